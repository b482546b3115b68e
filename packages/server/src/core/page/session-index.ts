/**
 * Which session each kept exchange belongs to, found as comparisons find it. Sans-IO. In: the ring, a little at a time, because answers are
 * decoded for it. Out: a number a session. It begins when somebody asks, and looks at each exchange once.
 */
import { MessageKind } from "@mirrorball/protocol";
import { SessionFinder } from "../session/session-finder.ts";
import type { Entry, ExchangeRing } from "./exchange-ring.ts";
import { messageOf } from "./exchange-ring.ts";

/** An exchange without an answer is looked at after so long: most answers have come by then. */
const PATIENCE_MS = 3000;

export class SessionIndex {
  readonly #ring: ExchangeRing;
  readonly #finder: SessionFinder = new SessionFinder();
  readonly #numbers: WeakMap<Entry, number> = new WeakMap();
  #nextSeq = 1;

  constructor(ring: ExchangeRing) {
    this.#ring = ring;
  }

  /** Undefined while it was not looked at. */
  of(entry: Entry): number | undefined {
    const number = this.#numbers.get(entry);
    return number === undefined ? undefined : this.#finder.current(number);
  }

  /** Looks at one exchange more; undefined when there is none to look at now. `nowMs`: since the Unix epoch. */
  advance(nowMs: number): Entry | undefined {
    const firstSeq = this.#ring.first?.seq;
    if (firstSeq === undefined) return undefined;
    this.#nextSeq = Math.max(this.#nextSeq, firstSeq);
    const entry = this.#ring.get(this.#nextSeq);
    if (entry === undefined) return undefined;
    const isYoung = nowMs - entry.keptAtMs < PATIENCE_MS;
    if (entry.original === undefined && isYoung) return undefined;
    this.#look(entry);
    this.#nextSeq += 1;
    return entry;
  }

  #look(entry: Entry): void {
    const request = messageOf(entry, entry.request, MessageKind.request);
    const number = this.#finder.ofRequest(request);
    const [replayed] = entry.replayed.values();
    const answer = entry.original ?? replayed;
    if (answer !== undefined) {
      this.#finder.ofResponse(number, messageOf(entry, answer, MessageKind.response));
    }
    this.#numbers.set(entry, number);
  }
}
