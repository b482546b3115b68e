/**
 * Which entries of the journal have messages inside the relay (a middleware), and which entry a message that comes out
 * of it comes from. An entry is held from the moment its first message goes in until its last one has come back and was
 * handed to the outputs, or was given up. Sans-IO.
 *
 * In: messages as they go in, with their entry, come out and are given up; entries that were read. Out: the oldest entry that is
 * held, which no output's cursor may pass, and for each message on its way to the outputs where it comes from. A message
 * is known by kind and id, as a middleware returns another object; of several inside with the same, the oldest is taken.
 *
 * What comes out and had not gone in (made anew, or a copy that comes later) is nobody's for sure: it comes from some
 * entry that was read, and is kept with the oldest that is inside, since what it was made of is that one or a later one
 * when both come out together. What comes out after it was given up is kept in the same way, as its own entry is let go.
 */
import type { Chained } from "../keyed-fifo.ts";
import { ByMessage } from "../by-message.ts";
import type { MessageName } from "../by-message.ts";
import { EntryCounts } from "./entry-counts.ts";
import { NO_ENTRY, keyOf } from "./settlement-tracker.ts";
import type { Provenance, Sources } from "./settlement-tracker.ts";

interface Entered extends Chained<Entered> {
  readonly entry: number;
}

export class InFlightEntries implements Sources {
  /** Told when entries may be done that were not before. */
  onReleased: () => void = () => {};
  /** The last entry of a run before: outputs may have been sent what is read again up to here. */
  recoverTo = 0;
  /** The last entry that was read. */
  #newest: number = NO_ENTRY;
  readonly #held: EntryCounts = new EntryCounts();
  /** Messages of entries that are inside. */
  #count = 0;
  /** What is inside, by kind and id. */
  readonly #inside: ByMessage<Entered> = new ByMessage();
  /** Came back, and are being handed to the outputs: still held. */
  readonly #passing: Map<string, number> = new Map();
  readonly #leaving: number[] = [];
  /** Read again, given up, and not to be sent twice should it come out after all; as many as the journal held. */
  readonly #givenUp: Map<string, number> = new Map();

  /** All messages of this entry have gone in; there may have been none. */
  read(entry: number): void {
    this.#newest = Math.max(this.#newest, entry);
  }

  /** Messages of no entry are followed too, so that they are told from those that had not gone in. */
  entered(batch: readonly MessageName[], entry: number): void {
    this.read(entry);
    for (const message of batch) {
      this.#inside.add(message, { entry, next: undefined, last: undefined });
      if (entry !== NO_ENTRY) this.#held.add(entry);
    }
    if (entry !== NO_ENTRY) this.#count += batch.length;
  }

  /** They came out, and are handed to the outputs next, followed by `passed`. */
  returned(batch: readonly MessageName[]): void {
    for (const message of batch) {
      const entry = this.#inside.take(message)?.entry;
      if (entry === undefined) continue;
      const key = keyOf(message);
      if (!this.#passing.has(key)) this.#passing.set(key, entry);
      if (entry !== NO_ENTRY) this.#leaving.push(entry);
    }
  }

  /** What came out has been handed to the outputs. */
  passed(): void {
    this.#passing.clear();
    if (this.#leaving.length === 0) return;
    for (const entry of this.#leaving) this.#release(entry);
    this.#leaving.length = 0;
    this.onReleased();
  }

  /** They will not come out: withheld, or lost. */
  gone(batch: readonly MessageName[]): void {
    for (const message of batch) {
      const entry = this.#inside.take(message)?.entry;
      if (entry === undefined || entry === NO_ENTRY) continue;
      if (entry <= this.recoverTo) this.#givenUp.set(keyOf(message), entry);
      this.#release(entry);
    }
    this.onReleased();
  }

  /** Messages of entries that are inside, or are just being handed on. */
  get count(): number {
    return this.#count;
  }

  get oldest(): number | undefined {
    return this.#held.oldest;
  }

  provenanceOf(key: string, into: Provenance): void {
    const known = this.#passing.get(key);
    if (known !== undefined) {
      into.from = known;
      into.to = known;
      into.keep = known;
      return;
    }
    const given = this.#givenUp.get(key);
    into.keep = this.#newest === NO_ENTRY ? NO_ENTRY : (this.oldest ?? this.#newest + 1);
    into.from = given ?? into.keep;
    into.to = given ?? this.#newest;
  }

  #release(entry: number): void {
    this.#held.remove(entry);
    this.#count -= 1;
  }
}
