/**
 * Who watches, and what they are told: rows as exchanges come, figures once a second. In: the ring and the figures. Out: events. It costs nothing
 * while nobody watches; a browser that is slow is skipped and gets the newest when it has caught up.
 */
import type { ServerResponse } from "node:http";
import type { Entry, ExchangeRing } from "../../core/page/exchange-ring.ts";
import type { Filter } from "../../core/page/filter.ts";
import { rowOf } from "../../core/page/look.ts";
import type { SessionIndex } from "../../core/page/session-index.ts";
import type { Hello, Now } from "./events.ts";
import { EventStream } from "./event-stream.ts";

/** Browsers at once: each costs what it is told. */
export const WATCHERS_MAX = 8;
const TICK_MS = 250;
/** Rows a tick for one browser: as many as an eye can follow, several times over. */
const ROWS_A_TICK = 50;
/** Rows for one that was too slow, and how many entries are looked at for them. */
const RESET_ROWS = 200;
const RESET_LOOKS = 2000;
/** Entries that changed within a tick; beyond, the older ones are left out. */
const CHANGED_MAX = 2000;
const BEAT_MS = 15_000;
/** Milliseconds a tick in which exchanges are looked at for their sessions. */
const SESSIONS_MS = 5;

interface Watcher {
  readonly stream: EventStream;
  readonly filter: Filter;
  readonly wantsSessions: boolean;
  /** `behind`: something was left out because it was too slow. */
  state: "current" | "behind";
}

export class Feed {
  readonly #ring: ExchangeRing;
  readonly #sessions: SessionIndex;
  readonly #hello: Hello;
  readonly #watchers: Set<Watcher> = new Set();
  readonly #changed: Map<number, Entry> = new Map();
  #ticks: NodeJS.Timeout | undefined;
  #beats: NodeJS.Timeout | undefined;

  constructor(ring: ExchangeRing, sessions: SessionIndex, hello: Hello) {
    this.#ring = ring;
    this.#sessions = sessions;
    this.#hello = hello;
  }

  /** False when there are too many. */
  get hasRoom(): boolean {
    return this.#watchers.size < WATCHERS_MAX;
  }

  get isWatched(): boolean {
    return this.#watchers.size > 0;
  }

  watch(response: ServerResponse, filter: Filter, wantsSessions: boolean): void {
    const stream = new EventStream(response, () => this.#leave(watcher));
    const watcher: Watcher = {
      stream,
      filter,
      wantsSessions: wantsSessions || filter.needsSessions,
      state: "current",
    };
    this.#watchers.add(watcher);
    if (this.#watchers.size === 1) this.#begin();
    stream.send("hello", this.#hello);
  }

  tell(now: Now): void {
    for (const { stream } of this.#watchers) if (stream.isReady) stream.send("now", now);
  }

  close(): void {
    for (const { stream } of this.#watchers) stream.close();
    this.#end();
  }

  /** All that anybody has is old, as when a recording has been read to its end. */
  renew(): void {
    for (const watcher of this.#watchers) watcher.state = "behind";
  }

  #begin(): void {
    // What is read from a file comes faster than anybody could follow.
    if (this.#hello.mode === "live") this.#ring.onChange = (entry) => this.#note(entry);
    this.#ticks = setInterval(() => this.#tick(), TICK_MS).unref();
    this.#beats = setInterval(() => {
      for (const { stream } of this.#watchers) stream.beat();
    }, BEAT_MS).unref();
  }

  #note(entry: Entry): void {
    this.#changed.delete(entry.seq);
    this.#changed.set(entry.seq, entry);
    if (this.#changed.size <= CHANGED_MAX) return;
    const [oldest] = this.#changed.keys();
    if (oldest !== undefined) this.#changed.delete(oldest);
  }

  #end(): void {
    this.#ring.onChange = undefined;
    this.#changed.clear();
    clearInterval(this.#ticks);
    clearInterval(this.#beats);
  }

  #leave(watcher: Watcher): void {
    this.#watchers.delete(watcher);
    if (this.#watchers.size === 0) this.#end();
  }

  #tick(): void {
    this.#lookForSessions();
    const changed = [...this.#changed.values()].toSorted((a, b) => b.seq - a.seq);
    this.#changed.clear();
    for (const watcher of this.#watchers) {
      if (!watcher.stream.isReady) watcher.state = "behind";
      else if (watcher.state === "behind") this.#catchUp(watcher);
      else if (changed.length > 0) this.#tellChanges(watcher, changed);
    }
  }

  /** `changed`: the newest first. */
  #tellChanges({ stream, filter }: Watcher, changed: readonly Entry[]): void {
    const matching = changed.filter((entry) => filter.matches(entry, this.#sessionOf));
    if (matching.length === 0) return;
    const rows = matching
      .slice(0, ROWS_A_TICK)
      .toReversed()
      .map((entry) => this.#row(entry));
    stream.send("rows", { rows, skipped: matching.length - rows.length, isReset: false });
  }

  #catchUp(watcher: Watcher): void {
    const { stream, filter } = watcher;
    watcher.state = "current";
    const rows = [];
    const { lastSeq } = this.#ring;
    for (let seq = lastSeq; seq > lastSeq - RESET_LOOKS && rows.length < RESET_ROWS; seq -= 1) {
      const entry = this.#ring.get(seq);
      if (entry === undefined) break;
      if (filter.matches(entry, this.#sessionOf)) rows.push(this.#row(entry));
    }
    stream.send("rows", { rows: rows.toReversed(), skipped: 0, isReset: true });
  }

  readonly #sessionOf = (entry: Entry): number | undefined => this.#sessions.of(entry);

  #row(entry: Entry): ReturnType<typeof rowOf> {
    return rowOf(entry, this.#sessions.of(entry));
  }

  /** Whoever has a session's number late is told again. */
  #lookForSessions(): void {
    const isWanted = [...this.#watchers].some(({ wantsSessions }) => wantsSessions);
    if (!isWanted) return;
    const endMs = performance.now() + SESSIONS_MS;
    while (performance.now() < endMs) {
      const entry = this.#sessions.advance(Date.now());
      if (entry === undefined) return;
      this.#note(entry);
    }
  }
}
