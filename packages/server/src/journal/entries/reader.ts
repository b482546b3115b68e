/**
 * From stored entries to messages: puts the frames of each producer together in order and hands the messages on, as
 * far as there is room. In: entries that are safe, from memory when they are fresh, from the store when the outputs
 * are behind. Out: batches, each with the entry it comes from.
 */
import { checkPayload, unpackRecords } from "@mirrorball/protocol";
import type { Message, WireRecord } from "@mirrorball/protocol";
import type { Accepted } from "../../component/types.ts";
import type { Assembler } from "../../core/assemble/assembler.ts";
import { assemblerOf } from "../../core/intake/producer-assembler.ts";
import { decodeEntry } from "../../core/journal/entry.ts";

/** Entries that are handed on without letting the event loop go on. */
const ENTRIES_PER_TURN_MAX = 16;
/** Bytes of fresh entries kept in memory, so that outputs that keep up cost no reading. */
const FRESH_BYTES_MAX = 16 * 1024 * 1024;

export interface FreshEntry {
  readonly producer: string;
  readonly service: string;
  readonly bytes: number;
  /** Undefined: nothing more will come from the producer. Empty: a frame was refused. */
  readonly records: readonly WireRecord[] | undefined;
}

export interface ReaderEvents {
  /** The stored bytes of an entry; undefined when it is not there. */
  readonly load: (entry: number) => Buffer | undefined;
  /** All messages of `entry` were emitted. */
  readonly read: (entry: number) => void;
  readonly emit: (batch: Message[], entry: number) => Accepted;
  readonly dropped: (reason: string, count: number) => void;
}

export class JournalReader {
  /** The entry that is read next. */
  next: number;
  readonly #events: ReaderEvents;
  readonly #assemblers: Map<string, Assembler> = new Map();
  readonly #fresh: Map<number, FreshEntry> = new Map();
  #freshBytes = 0;
  #last: number;
  #busy = false;
  #stopped = false;
  #idle: (() => void)[] = [];

  constructor(next: number, last: number, events: ReaderEvents) {
    this.next = next;
    this.#last = last;
    this.#events = events;
  }

  /** The oldest entry that an exchange under way began in, of those from `floor` on; undefined when there is none. */
  oldestNeeded(floor: number): number | undefined {
    let oldest: number | undefined;
    for (const assembler of this.#assemblers.values()) {
      const oldestPosition = assembler.oldestPosition(floor);
      if (oldestPosition === undefined) continue;
      oldest = oldest === undefined ? oldestPosition : Math.min(oldest, oldestPosition);
    }
    return oldest;
  }

  /** Producers of which something came since their bye, or were forgotten. */
  get producers(): readonly string[] {
    return [...this.#assemblers.keys()];
  }

  /** False for one with exchanges under way: a bye has to end them. */
  forget(producer: string): boolean {
    if ((this.#assemblers.get(producer)?.openExchanges ?? 0) > 0) return false;
    this.#assemblers.delete(producer);
    return true;
  }

  /** `entry` is safe. Call in order. */
  offer(entry: number, fresh: FreshEntry): void {
    this.#last = entry;
    if (this.#freshBytes + fresh.bytes <= FRESH_BYTES_MAX) {
      this.#fresh.set(entry, fresh);
      this.#freshBytes += fresh.bytes;
    }
    this.pump();
  }

  /** Resolves when everything stored was handed on. */
  async finished(): Promise<void> {
    if (!this.#busy && this.next > this.#last) return;
    await new Promise<void>((resolve) => {
      this.#idle.push(resolve);
      this.pump();
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#settleIdle();
  }

  pump(): void {
    if (this.#busy || this.#stopped) return;
    for (let i = 0; this.next <= this.#last; i += 1) {
      const wait = i < ENTRIES_PER_TURN_MAX ? this.#readNext() : nextTurn();
      if (wait === undefined) continue;
      this.#busy = true;
      const resume = (): void => {
        this.#busy = false;
        this.pump();
      };
      // The engine's promise never rejects.
      void wait.then(resume);
      return;
    }
    this.#settleIdle();
  }

  #readNext(): Accepted {
    const entry = this.next;
    this.next += 1;
    const fresh = this.#take(entry);
    const messages: Message[] = [];
    if (fresh !== undefined) {
      const assembler = this.#assemblerOf(fresh);
      assembler.position = entry;
      if (fresh.records === undefined) {
        assembler.end(messages);
        this.#assemblers.delete(fresh.producer);
      } else if (fresh.records.length === 0) {
        assembler.refused();
      } else {
        assembler.take(fresh.records, messages);
      }
    }
    const wait = messages.length === 0 ? undefined : this.#events.emit(messages, entry);
    this.#events.read(entry);
    return wait;
  }

  #take(entry: number): FreshEntry | undefined {
    const fresh = this.#fresh.get(entry);
    if (fresh !== undefined) {
      this.#fresh.delete(entry);
      this.#freshBytes -= fresh.bytes;
      return fresh;
    }
    const bytes = this.#events.load(entry);
    const stored = bytes === undefined ? undefined : decodeEntry(bytes);
    if (stored === undefined) {
      this.#events.dropped("journal-damaged", 1);
      return undefined;
    }
    const { producer, service, payload } = stored;
    const made = { producer, service, bytes: payload.length };
    if (payload.length === 0) return { ...made, records: undefined };
    // It was checked when it came, but it has been on a disk since.
    const records = checkPayload(payload) === undefined ? unpackRecords(payload) : "damaged";
    if (typeof records !== "string") return { ...made, records };
    this.#events.dropped("journal-damaged", 1);
    return undefined;
  }

  #assemblerOf({ producer, service }: FreshEntry): Assembler {
    const known = this.#assemblers.get(producer);
    if (known !== undefined) return known;
    const assembler = assemblerOf({ key: producer, service }, this.#events.dropped);
    this.#assemblers.set(producer, assembler);
    return assembler;
  }

  #settleIdle(): void {
    const waiting = this.#idle;
    this.#idle = [];
    for (const resolve of waiting) resolve();
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
