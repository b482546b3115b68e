/**
 * The intake of one input with a journal: a frame is safe when it is on disk. What is remembered of producers is the journal's, for
 * all inputs, so that a producer may come back to another one. In: frames, connections that come and go. Out: frames that wait to be
 * written. What is stored is handed to the pipeline by the journal's reader.
 */
import type { Hello } from "@mirrorball/protocol";
import type {
  FrameIntake,
  FrameLine,
  IntakeFrame,
  JoinedProducer,
  ProducerName,
} from "../../component/intake.ts";
import { keyOf } from "../../core/intake/producer-assembler.ts";
import type { WaitingFrame } from "../entries/write-queue.ts";
import type { Producers } from "./producers.ts";

/** What is stored in the place of a frame that was refused: a list of no records. */
const NO_RECORDS: Uint8Array = Uint8Array.of(0x90);
const NO_BYTES: Uint8Array = new Uint8Array(0);

/** The entry that says: nothing more will come from this producer. */
export function byeOf({ key, service }: ProducerName, seq: number): WaitingFrame {
  return { producer: key, service, seq, payload: NO_BYTES, records: undefined, safe: () => {} };
}

/** The journal, as its intakes see it. */
export interface IntakeParts {
  readonly producers: Producers;
  readonly nowMs: () => number;
  readonly push: (frame: WaitingFrame) => void;
  readonly trouble: () => string | undefined;
  /** So many records are to be stored. */
  readonly stored: (records: number) => void;
  readonly unaccounted: (producer: ProducerName, count: number) => void;
}

export class JournalIntake implements FrameIntake {
  readonly #parts: IntakeParts;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  get trouble(): string | undefined {
    return this.#parts.trouble();
  }

  join(hello: Hello, line: FrameLine): JoinedProducer {
    const { producers, nowMs, unaccounted } = this.#parts;
    const name = { key: keyOf(hello), service: hello.service };
    producers.join(name.key, line, (count) => unaccounted(name, count), nowMs());
    return new JournalledProducer(this.#parts, name, line, hello.epoch === 0);
  }

  /** The journal looks by itself, for all inputs. */
  tick(): void {}

  /** Inputs end together: whoever is away comes back to the next run at best. */
  async end(): Promise<void> {
    this.#parts.producers.giveUpAway();
  }
}

class JournalledProducer implements JoinedProducer {
  readonly safeSeq: number | undefined | Promise<number | undefined>;
  readonly #parts: IntakeParts;
  readonly #name: ProducerName;
  readonly #line: FrameLine;

  /** `remembers`: the producer knows what is in the frames that it has sent. */
  constructor(parts: IntakeParts, name: ProducerName, line: FrameLine, remembers: boolean) {
    this.#parts = parts;
    this.#name = name;
    this.#line = line;
    const { producers } = parts;
    // One that has forgotten what is in the frames that are on their way to disk: none may turn up after our answer.
    this.safeSeq = remembers
      ? producers.safeSeq(name.key)
      : new Promise((resolve) => producers.whenSettled(name.key, resolve));
  }

  /** Nobody waits: as many frames as the credit allows are under way at once. */
  take({ seq, payload, records = [] }: IntakeFrame): undefined {
    const { producers, push, stored } = this.#parts;
    const { key, service } = this.#name;
    const taken = producers.take(key, this.#line, seq);
    if (taken === "superseded") return;
    const safe = (): void => this.#line.safe(seq, payload.length);
    if (taken === "duplicate") {
      // It came again on a new connection and waits with the first one.
      producers.whenSafe(key, seq, safe);
      return;
    }
    stored(records.length);
    const bytes = records.length === 0 ? NO_RECORDS : payload;
    push({ producer: key, service, seq, payload: bytes, records, safe });
  }

  leave(missing: number | undefined): void {
    const { producers, nowMs } = this.#parts;
    producers.leave(this.#name.key, this.#line, missing, nowMs());
  }

  bye(missing: number | undefined): void {
    const { producers, nowMs, push } = this.#parts;
    const { key } = this.#name;
    const seq = producers.takenSeq(key);
    if (!producers.leave(key, this.#line, missing, nowMs())) return;
    producers.giveUp(key);
    // Of one that has sent nothing there is nothing to end.
    if (seq > 0) push(byeOf(this.#name, seq));
  }
}
