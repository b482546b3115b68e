/**
 * What one output has settled of what the journal holds: which entry must still be kept for it, which messages it is
 * known to have settled after a crash, and which it may have sent. Sans-IO.
 *
 * In: entries as they are read, messages as they are queued and settled. Out: the cursor (everything before it is
 * done), and what must be written down so that a crash neither loses nor repeats: messages about to be sent
 * (`intents`) and messages settled out of order (`done`). A message is known by kind and id; middleware and rules may
 * replace the object on the way.
 */
import type { Message } from "@mirrorball/protocol";

/** What a crash left behind for this output. */
export interface LaneRecovery {
  readonly cursor: number;
  /** The last entry there was; behind it nothing of the two sets can come again. */
  readonly lastEntry: number;
  readonly done: Set<string>;
  readonly intended: Set<string>;
  readonly uncertain: number;
}

/** `done`: settled before the crash. `uncertain`: it may have been sent, and must not be sent twice. */
export type Admission = "new" | "done" | "uncertain";

export class LaneTracker {
  /** Messages left out because they were settled before a crash. */
  skipped = 0;
  /** Messages ever left out because a crash left open whether they were sent; from all runs. */
  uncertain: number;
  readonly #recovery: LaneRecovery;
  readonly #once: (message: Message) => boolean;
  /** Unsettled messages by entry, in the order of entries. */
  readonly #pending: Map<number, number> = new Map();
  readonly #entryOf: Map<string, number> = new Map();
  #current = 0;
  #readTo: number;
  #done: { readonly key: string; readonly entry: number }[] = [];

  /** `once` says which messages must not be sent again after a crash. */
  constructor(recovery: LaneRecovery, once: (message: Message) => boolean) {
    this.#recovery = recovery;
    this.#once = once;
    this.#readTo = recovery.cursor - 1;
    this.uncertain = recovery.uncertain;
  }

  /** Messages that are queued from here on come from this entry; 0: from no entry. */
  reading(entry: number): void {
    this.#current = entry;
  }

  /** All messages of `entry` have been handed to the pipeline. */
  read(entry: number): void {
    this.#current = 0;
    this.#readTo = Math.max(this.#readTo, entry);
    if (entry < this.#recovery.lastEntry) return;
    this.#recovery.done.clear();
    this.#recovery.intended.clear();
  }

  /** Whether a message that is about to be queued was dealt with before a crash. */
  admission(message: Message): Admission {
    const { cursor, done, intended } = this.#recovery;
    if (this.#current === 0) return "new";
    // Read for another output, that was slower.
    if (this.#current < cursor) {
      this.skipped += 1;
      return "done";
    }
    if (done.size === 0 && intended.size === 0) return "new";
    const key = keyOf(message);
    if (done.has(key)) {
      this.skipped += 1;
      return "done";
    }
    if (!intended.has(key) || !this.#once(message)) return "new";
    // Written down like a settled one, so that another crash does not count it again.
    this.uncertain += 1;
    this.#done.push({ key, entry: this.#current });
    return "uncertain";
  }

  queued(message: Message): void {
    if (this.#current === 0) return;
    const key = keyOf(message);
    if (this.#entryOf.has(key)) return;
    this.#entryOf.set(key, this.#current);
    this.#pending.set(this.#current, (this.#pending.get(this.#current) ?? 0) + 1);
  }

  settled(batch: readonly Message[]): void {
    for (const message of batch) this.#settle(keyOf(message));
  }

  #settle(key: string): void {
    const entry = this.#entryOf.get(key);
    if (entry === undefined) return;
    this.#entryOf.delete(key);
    this.#done.push({ key, entry });
    const left = (this.#pending.get(entry) ?? 1) - 1;
    if (left > 0) this.#pending.set(entry, left);
    else this.#pending.delete(entry);
  }

  /** The first entry that is not done: everything before it may be forgotten as far as this output goes. */
  get cursor(): number {
    for (const entry of this.#pending.keys()) return Math.min(entry, this.#readTo + 1);
    return this.#readTo + 1;
  }

  /** Messages settled since the last call, of entries from `cursor` on: those before it need no record. */
  takeDone(cursor: number): string[] {
    const done = this.#done;
    this.#done = [];
    const keys: string[] = [];
    for (const { key, entry } of done) if (entry >= cursor) keys.push(key);
    return keys;
  }

  /** The last entry that was handed to the pipeline. */
  get readTo(): number {
    return this.#readTo;
  }

  needsIntent(message: Message): boolean {
    return this.#once(message) && this.tracks(message);
  }

  /** True for a message of an entry that is not settled: it comes again after a crash. */
  tracks(message: Message): boolean {
    return this.#entryOf.has(keyOf(message));
  }
}

export function keyOf({ kind, id }: Message): string {
  return `${kind}${id}`;
}
