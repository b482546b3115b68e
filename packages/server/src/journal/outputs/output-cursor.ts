/**
 * One output's side of the journal: its tracker, the lists that are on disk for it, and the messages whose intent waits
 * to be written down. In: settled messages, intents. Out: the named values that the next group has to write.
 */
import type { Message } from "@mirrorball/protocol";
import { SettlementTracker, keyOf } from "../../core/journal/settlement-tracker.ts";
import type { Sources } from "../../core/journal/settlement-tracker.ts";
import { JournalStream, readStreams, streamNames } from "./stream.ts";
import type { StoredStream } from "./stream.ts";

/** Names of values: kind, output and number, on lines, as an output's name holds about anything else. */
const listName = (kind: "done" | "intent", output: string, serial: number): string =>
  `${kind}\n${output}\n${serial}`;
const cursorName = (output: string): string => `cursor\n${output}`;
const uncertainName = (output: string): string => `uncertain\n${output}`;

interface StoredList {
  readonly name: string;
  /** Not needed once the cursor is behind this entry. */
  readonly lastEntry: number;
}

/** What the store holds for one output. */
export interface StoredCursor {
  readonly cursor: number;
  readonly done: Map<string, number>;
  readonly intended: Map<string, number>;
  readonly lists: StoredList[];
  readonly uncertain: number;
  readonly stream: StoredStream | undefined;
}

/** All outputs that the store knows, from its named values. */
export function readCursors(values: ReadonlyMap<string, string>): Map<string, StoredCursor> {
  const cursors = new Map<string, StoredCursor>();
  const streams = readStreams(values);
  for (const [name, value] of values) {
    const [kind, output = ""] = name.split("\n");
    if (kind !== "cursor") continue;
    cursors.set(output, {
      cursor: Number(value),
      done: new Map(),
      intended: new Map(),
      lists: [],
      uncertain: Number(values.get(uncertainName(output)) ?? 0),
      stream: streams.get(output),
    });
  }
  for (const [name, value] of values) {
    const [kind, output = ""] = name.split("\n");
    if (kind !== "done" && kind !== "intent") continue;
    const known = cursors.get(output);
    if (known === undefined) continue;
    const [lastEntry = "0", ...keys] = value.split(" ");
    const into = kind === "done" ? known.done : known.intended;
    for (const key of keys) into.set(key, (into.get(key) ?? 0) + 1);
    known.lists.push({ name, lastEntry: Number(lastEntry) });
  }
  return cursors;
}

/** What is known of an output that is new: it has settled everything before `cursor`. */
export function freshCursor(cursor: number): StoredCursor {
  return { cursor, done: new Map(), intended: new Map(), lists: [], uncertain: 0, stream: undefined }; // prettier-ignore
}

/** Removes everything that is stored for an output that is gone. */
export function forgetCursor(
  values: Map<string, string | undefined>,
  name: string,
  { lists, stream }: StoredCursor,
): void {
  for (const list of lists) values.set(list.name, undefined);
  if (stream !== undefined) {
    for (const each of streamNames(name, stream)) values.set(each, undefined);
  }
  values.set(cursorName(name), undefined);
  values.set(uncertainName(name), undefined);
}

export class OutputCursor {
  readonly name: string;
  readonly tracker: SettlementTracker;
  readonly #lists: StoredList[];
  readonly #wake: () => void;
  #intents: Message[] = [];
  #intentsWritten: (() => void)[] = [];
  readonly #storedStream: StoredStream | undefined;
  /** Before the last crash; complete until entries are read. */
  readonly #settledBefore: ReadonlyMap<string, number>;
  #stream: JournalStream | undefined;
  #serial: number;
  #cursor: number;
  #writtenCursor: number;
  #writtenUncertain: number;
  /** Messages settled so far; of these, those that the last `collect` gave out, and those that are on disk. */
  #settledCount = 0;
  #collectedCount = 0;
  #writtenCount = 0;

  constructor(
    name: string,
    stored: StoredCursor,
    lastEntry: number,
    atMostOnce: (message: Message) => boolean,
    wake: () => void,
    sources: Sources | undefined,
  ) {
    this.name = name;
    this.#lists = [...stored.lists];
    this.#storedStream = stored.stream;
    this.#settledBefore = stored.done;
    this.#serial = 1 + Math.max(0, ...stored.lists.map(({ name: list }) => serialOf(list)));
    this.#cursor = stored.cursor;
    this.#writtenCursor = -1;
    this.#wake = wake;
    this.tracker = new SettlementTracker({ ...stored, lastEntry }, atMostOnce, sources);
    this.#writtenUncertain = stored.uncertain;
  }

  /** Messages that are settled, and not on disk as such. */
  get unwritten(): number {
    return this.#settledCount - this.#writtenCount;
  }

  settled(batch: readonly Message[]): void {
    this.#settledCount += batch.length;
    this.tracker.settled(batch);
    this.#wake();
  }

  needsIntent(message: Message): boolean {
    return this.tracker.needsIntent(message);
  }

  /** Resolves when it is on disk that these may have been sent. */
  intend(messages: readonly Message[]): Promise<void> {
    this.#intents.push(...messages);
    this.#wake();
    return new Promise((resolve) => {
      this.#intentsWritten.push(resolve);
    });
  }

  /** For an output that numbers what it sends; from the first call on, the stream is kept. */
  stream(): JournalStream {
    this.#stream ??= new JournalStream(this.name, this.#storedStream, this.#settledBefore, {
      tracks: (message) => this.tracker.tracks(message),
      waiting: () => this.#wake(),
    });
    return this.#stream;
  }

  get hasIntents(): boolean {
    return this.#intents.length > 0 || this.#stream?.hasWaiting === true;
  }

  /** Adds to `values` what has to be written, and returns the cursor; `pin` is the oldest entry that others need. */
  collect(values: Map<string, string | undefined>, pin: number): number {
    this.#collectedCount = this.#settledCount;
    // What others need of before it, this output is done with: gone back, it would be sent that again after a crash.
    this.#cursor = Math.max(this.#cursor, Math.min(this.tracker.cursor, pin));
    const cursor = this.#cursor;
    const last = this.tracker.readTo;
    if (cursor !== this.#writtenCursor) values.set(cursorName(this.name), String(cursor));
    this.#writtenCursor = cursor;
    const { uncertain } = this.tracker;
    if (uncertain !== this.#writtenUncertain) {
      values.set(uncertainName(this.name), String(uncertain));
      this.#writtenUncertain = uncertain;
    }
    this.#list(values, "done", this.tracker.takeDone(cursor), last);
    this.#list(values, "intent", this.#intents.map(keyOf), last);
    this.#intents = [];
    while ((this.#lists[0]?.lastEntry ?? cursor) < cursor) {
      const list = this.#lists.shift();
      if (list !== undefined) values.set(list.name, undefined);
    }
    this.#intentsWritten.push(...(this.#stream?.collect(values, cursor, last) ?? []));
    return cursor;
  }

  /** Everything that was ever collected is on disk. */
  written(): void {
    this.#writtenCount = this.#collectedCount;
  }

  /** Hands out who waits for the intents that the last `collect` gave out. */
  takeIntentsWritten(): readonly (() => void)[] {
    const waiting = this.#intentsWritten;
    this.#intentsWritten = [];
    return waiting;
  }

  #list(
    values: Map<string, string | undefined>,
    kind: "done" | "intent",
    keys: readonly string[],
    lastEntry: number,
  ): void {
    if (keys.length === 0) return;
    const name = listName(kind, this.name, this.#serial);
    this.#serial += 1;
    values.set(name, `${lastEntry} ${keys.join(" ")}`);
    this.#lists.push({ name, lastEntry });
  }
}

function serialOf(name: string): number {
  return Number(name.split("\n")[2] ?? 0);
}
