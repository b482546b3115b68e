/**
 * What one output has settled of what the journal holds: which entry must still be kept for it, which messages it is
 * known to have settled after a crash, and which it may have sent. Sans-IO.
 *
 * In: entries that were read, messages with the entry they come from, as they are queued and settled. Out: the cursor (everything before it is
 * done), and what must be written down so that a crash neither loses nor repeats: messages about to be sent
 * (`intents`) and messages settled out of order (`done`). A message is known by kind and id; middleware and rules may
 * replace the object on the way. One that comes several times, as a middleware may copy it, is counted each time.
 */
import type { Message } from "@mirrorball/protocol";
import type { Chained } from "../keyed-fifo.ts";
import { ByMessage } from "../by-message.ts";
import type { MessageName } from "../by-message.ts";
import { EntryCounts } from "./entry-counts.ts";

/** What a crash left behind for this output. Keys come with how often they were written down. */
export interface CrashRecovery {
  readonly cursor: number;
  /** The last entry there was; behind it nothing of the two can come again. */
  readonly lastEntry: number;
  readonly done: Map<string, number>;
  readonly intended: Map<string, number>;
  readonly uncertain: number;
}

/** `done`: settled before the crash. `uncertain`: it may have been sent, and must not be sent twice. */
export type Admission = "new" | "done" | "uncertain";

/** The entry of a message that no journal holds. */
export const NO_ENTRY = 0;

/** The entries a message can come from: mostly one, a span when nobody knows. 0: from none. */
export interface Provenance {
  from: number;
  to: number;
  /** The entry to keep for it. */
  keep: number;
}

/** Who knows where messages come from when they are not handed over while their entry is read. */
export interface Sources {
  provenanceOf(key: string, into: Provenance): void;
  /** The oldest entry of which more may come. */
  readonly oldest: number | undefined;
}

/** A message that is queued and not settled. */
interface Open extends Chained<Open> {
  /** It keeps this entry from being done. */
  readonly entry: number;
  /** The last entry that can bring it again. */
  readonly until: number;
  next: Open | undefined;
  last: Open | undefined;
}

/** A message that is settled, and the last entry that can bring it again. */
interface Settled extends MessageName {
  readonly entry: number;
}

export class SettlementTracker {
  /** Messages ever left out because a crash left open whether they were sent; from all runs. */
  uncertain: number;
  readonly #recovery: CrashRecovery;
  readonly #atMostOnce: (message: Message) => boolean;
  readonly #sources: Sources | undefined;
  readonly #pending: EntryCounts = new EntryCounts();
  readonly #open: ByMessage<Open> = new ByMessage();
  /** How often what the crash left behind has come again. */
  readonly #again: Map<string, number> = new Map();
  #recovered = false;
  /** Filled in anew by `#locate`, to spare an object a message. */
  readonly #at: Provenance = { from: 0, to: 0, keep: 0 };
  #readTo: number;
  #done: Settled[] = [];

  /** `atMostOnce` says which messages must not be sent again after a crash. `sources`: with a relay. */
  constructor(
    recovery: CrashRecovery,
    atMostOnce: (message: Message) => boolean,
    sources?: Sources,
  ) {
    this.#recovery = recovery;
    this.#atMostOnce = atMostOnce;
    this.#sources = sources;
    this.#readTo = recovery.cursor - 1;
    this.uncertain = recovery.uncertain;
  }

  /** All messages of `entry` have been handed to the pipeline. */
  read(entry: number): void {
    this.#readTo = Math.max(this.#readTo, entry);
    const { lastEntry } = this.#recovery;
    if (this.#recovered || Math.min(entry, (this.#sources?.oldest ?? entry + 1) - 1) < lastEntry)
      return;
    this.#recovered = true;
    this.#forget();
  }

  /**
   * Nothing of what the crash left behind comes again. From a relay something may, when it was given up and comes
   * out after all: what must not be sent twice is remembered.
   */
  #forget(): void {
    const { done, intended } = this.#recovery;
    if (this.#sources === undefined) intended.clear();
    for (const key of done.keys()) if (!intended.has(key)) done.delete(key);
    for (const key of this.#again.keys()) if (!intended.has(key)) this.#again.delete(key);
  }

  /** Whether a message of `entry` was dealt with before a crash. With a relay the relay is asked where it comes from. */
  admission(message: Message, entry: number): Admission {
    const { from, to } = this.#locate(message, entry);
    if (from === NO_ENTRY) return "new";
    const { cursor, done, intended } = this.#recovery;
    // Read for another output, that was slower.
    if (to < cursor) return "done";
    if (from >= cursor && done.size === 0 && intended.size === 0) return "new";
    const key = keyOf(message);
    const doneTimes = done.get(key) ?? 0;
    const intendedTimes = intended.get(key) ?? 0;
    let times = 1;
    if (doneTimes + intendedTimes > 0) {
      times += this.#again.get(key) ?? 0;
      this.#again.set(key, times);
    }
    if (times <= doneTimes) return "done";
    // From before the cursor or from behind it, and nobody knows: once is better than twice.
    const mayBeSent = times <= intendedTimes || from < cursor;
    if (!mayBeSent || !this.#atMostOnce(message)) return "new";
    // Written down like a settled one, so that another crash does not count it again.
    this.uncertain += 1;
    this.#done.push({ kind: message.kind, id: message.id, entry: to });
    return "uncertain";
  }

  #locate(message: Message, entry: number): Provenance {
    const at = this.#at;
    if (this.#sources === undefined) {
      at.from = entry;
      at.to = entry;
      at.keep = entry;
    } else {
      this.#sources.provenanceOf(keyOf(message), at);
    }
    return at;
  }

  /** The message goes to the output: its entry stays open until it is settled. */
  queued(message: Message, entry: number): void {
    const { keep, to } = this.#locate(message, entry);
    if (keep === NO_ENTRY) return;
    const open: Open = { entry: keep, until: Math.max(keep, to), next: undefined, last: undefined };
    this.#open.add(message, open);
    this.#pending.add(keep);
  }

  settled(batch: readonly Message[]): void {
    for (const message of batch) this.#settle(message);
  }

  #settle(message: Message): void {
    const open = this.#open.take(message);
    if (open === undefined) return;
    this.#done.push({ kind: message.kind, id: message.id, entry: open.until });
    this.#pending.remove(open.entry);
  }

  /** The first entry that is not done: everything before it may be forgotten as far as this output goes. */
  get cursor(): number {
    return Math.min(this.#pending.oldest ?? Infinity, this.#readTo + 1);
  }

  /** Messages settled since the last call, of entries from `cursor` on: those before it need no record. */
  takeDone(cursor: number): string[] {
    const done = this.#done;
    this.#done = [];
    const keys: string[] = [];
    for (const settled of done) if (settled.entry >= cursor) keys.push(keyOf(settled));
    return keys;
  }

  /** The last entry that was handed to the pipeline. */
  get readTo(): number {
    return this.#readTo;
  }

  needsIntent(message: Message): boolean {
    return this.#atMostOnce(message) && this.tracks(message);
  }

  /** True for a message of an entry that is not settled: it comes again after a crash. */
  tracks(message: Message): boolean {
    return this.#open.has(message);
  }
}

export function keyOf({ kind, id }: MessageName): string {
  return `${kind}${id}`;
}
