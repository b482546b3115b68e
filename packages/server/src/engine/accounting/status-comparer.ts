/**
 * Compares the status of an original response with that of its replay, by id. Sees responses only, keeps one
 * small number for each that waits for its counterpart, and forgets the oldest beyond a bound.
 */
import { MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";

/** Exchanges that may wait for their other half: a minute of a thousand a second. */
const WAITING_MAX: number = 65_536;
/** Examples kept for people to look at. */
const EXAMPLES_MAX = 20;

export interface StatusMismatch {
  readonly id: string;
  readonly original: number;
  readonly replayed: number;
}

export class StatusComparer {
  compared = 0;
  mismatched = 0;
  /** Left out because their other half did not come in time. */
  unpaired = 0;
  /** The latest mismatches, newest last. */
  readonly examples: StatusMismatch[] = [];
  readonly #waiting: Map<string, { readonly kind: MessageKind; readonly status: number }> =
    new Map();

  observe(batch: readonly Message[]): void {
    for (const message of batch) {
      if (message.kind !== MessageKind.request) this.#see(message);
    }
  }

  #see({ id, kind, http }: Message): void {
    const status = http.status;
    if (status === undefined) return;
    const other = this.#waiting.get(id);
    if (other === undefined || other.kind === kind) {
      this.#waiting.set(id, { kind, status });
      if (this.#waiting.size > WAITING_MAX) this.#forgetOldest();
      return;
    }
    this.#waiting.delete(id);
    this.compared += 1;
    if (other.status === status) return;
    this.mismatched += 1;
    const [original, replayed] =
      kind === MessageKind.replayed ? [other.status, status] : [status, other.status];
    this.examples.push({ id, original, replayed });
    if (this.examples.length > EXAMPLES_MAX) this.examples.shift();
  }

  #forgetOldest(): void {
    // A Map iterates in the order of insertion.
    for (const id of this.#waiting.keys()) {
      this.#waiting.delete(id);
      this.unpaired += 1;
      return;
    }
  }
}
