/**
 * Compares the status of an original response with those of its replays, by id and target. Sees responses only, keeps one
 * small record for each exchange that waits, and forgets the oldest beyond a bound.
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
  /** The output that replayed it; absent where only one does. */
  readonly target?: string | undefined;
}

interface Waiting {
  original: number | undefined;
  /** Statuses of targets whose original has not come. */
  readonly early: Map<string, number>;
  readonly compared: Set<string>;
}

export class StatusComparer {
  compared = 0;
  mismatched = 0;
  /** Left out because their other half did not come in time. */
  unpaired = 0;
  /** The latest mismatches, newest last. */
  readonly examples: StatusMismatch[] = [];
  readonly #targets: number;
  readonly #waiting: Map<string, Waiting> = new Map();

  /** `targets`: how many outputs replay; each of them may answer an exchange. */
  constructor(targets = 1) {
    this.#targets = targets;
  }

  observe(batch: readonly Message[]): void {
    for (const message of batch) {
      if (message.kind !== MessageKind.request) this.#see(message);
    }
  }

  #see({ id, kind, http, context }: Message): void {
    const status = http.status;
    if (status === undefined) return;
    const waiting = this.#waitingFor(id, kind);
    if (kind === MessageKind.response) {
      waiting.original = status;
      for (const [target, early] of waiting.early) this.#compare(id, waiting, target, early);
      waiting.early.clear();
    } else {
      const target = context?.target ?? "";
      if (waiting.original === undefined) waiting.early.set(target, status);
      else this.#compare(id, waiting, target, status);
    }
    if (waiting.compared.size >= this.#targets) this.#waiting.delete(id);
    else if (this.#waiting.size > WAITING_MAX) this.#forgetOldest();
  }

  #waitingFor(id: string, kind: MessageKind): Waiting {
    const known = this.#waiting.get(id);
    // The same id again, as in a recording that is looped: another exchange.
    const isAgain = kind === MessageKind.response && known?.original !== undefined;
    if (known !== undefined && !isAgain) return known;
    const waiting: Waiting = { original: undefined, early: new Map(), compared: new Set() };
    this.#waiting.set(id, waiting);
    return waiting;
  }

  #compare(id: string, waiting: Waiting, target: string, replayed: number): void {
    const { original = 0, compared } = waiting;
    compared.add(target);
    this.compared += 1;
    if (original === replayed) return;
    this.mismatched += 1;
    const example = { id, original, replayed };
    this.examples.push(this.#targets > 1 ? { ...example, target } : example);
    if (this.examples.length > EXAMPLES_MAX) this.examples.shift();
  }

  #forgetOldest(): void {
    // A Map iterates in the order of insertion.
    const [oldest] = this.#waiting;
    if (oldest === undefined) return;
    this.#waiting.delete(oldest[0]);
    // With --split-output an exchange has one of the targets only.
    if (oldest[1].compared.size === 0) this.unpaired += 1;
  }
}
