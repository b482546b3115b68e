// Who watches: told of what comes, within what an eye can follow; a browser that is slow is skipped and gets the newest.
import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import { MessageKind } from "@mirrorball/protocol";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ExchangeRing } from "../../core/page/exchange-ring.ts";
import { parseFilter } from "../../core/page/filter.ts";
import { SessionIndex } from "../../core/page/session-index.ts";
import { message } from "../../core/page/testing/messages.ts";
import type { Hello, Rows } from "./events.ts";
import { Feed, WATCHERS_MAX } from "./feed.ts";

const hello: Hello = { mode: "live", title: "", startedAt: 0, columns: [], outputs: [], memoryBytes: 0, compares: false }; // prettier-ignore

/** As much of an answer as the feed uses, and whether its reader keeps up. */
class Reader extends EventEmitter {
  writableLength = 0;
  readonly events: { name: string; data: unknown }[] = [];
  writeHead(): void {}
  end(): void {
    this.emit("close");
  }
  write(text: string): void {
    const found = /^event: (\w+)\ndata: (.*)\n\n$/.exec(text);
    if (found !== null)
      this.events.push({ name: found[1] ?? "", data: JSON.parse(found[2] ?? "") });
  }
  rows(): Rows[] {
    return this.events.filter(({ name }) => name === "rows").map(({ data }) => data as Rows);
  }
}

function watching(filterText = "") {
  const ring = new ExchangeRing(8 * 1024 * 1024, () => 0, true);
  const feed = new Feed(ring, new SessionIndex(ring), hello);
  const filter = parseFilter(filterText);
  if (typeof filter === "string") throw new Error(filter);
  const reader = new Reader();
  // A stand-in for a socket's answer, with the members that are used.
  feed.watch(reader as unknown as ServerResponse, filter, false);
  const send = (count: number, path = "/a"): void => {
    for (let i = 0; i < count; i += 1) {
      const id = String(ring.lastSeq + 1);
      ring.seen([message(MessageKind.request, id, `GET ${path} HTTP/1.1\r\n\r\n`)]);
    }
  };
  return { feed, ring, reader, send };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a watcher", () => {
  it("is greeted, and told of what came within a quarter of a second", () => {
    const { reader, send } = watching();
    send(2);
    vi.advanceTimersByTime(250);
    expect(reader.events[0]).toEqual({ name: "hello", data: hello });
    expect(reader.rows()).toMatchObject([{ rows: [{ seq: 1 }, { seq: 2 }], skipped: 0, isReset: false }]); // prettier-ignore
    vi.advanceTimersByTime(1000);
    expect(reader.rows()).toHaveLength(1);
  });

  it("gets the newest of more than anybody can read, and how many were left out", () => {
    const { reader, send } = watching();
    send(300);
    vi.advanceTimersByTime(250);
    const [event] = reader.rows();
    expect([event?.rows.length, event?.rows.at(-1)?.seq, event?.skipped]).toEqual([50, 300, 250]);
  });

  it("gets what its filter finds, all of it, however rare it is", () => {
    const { reader, send } = watching("route:/rare");
    send(900);
    send(1, "/rare");
    send(900);
    vi.advanceTimersByTime(250);
    expect(reader.rows()).toMatchObject([{ rows: [{ seq: 901 }], skipped: 0 }]);
  });

  it("that stops reading is sent nothing, and the newest when it reads again", () => {
    const { reader, send } = watching();
    reader.writableLength = 10 * 1024 * 1024;
    for (let i = 0; i < 20; i += 1) {
      send(100);
      vi.advanceTimersByTime(250);
    }
    expect(reader.rows()).toEqual([]);
    reader.writableLength = 0;
    vi.advanceTimersByTime(250);
    const [event] = reader.rows();
    expect([event?.isReset, event?.rows.length, event?.rows.at(-1)?.seq]).toEqual([true, 200, 2000]); // prettier-ignore
  });
});

describe("the feed", () => {
  it("costs nothing when the last one has gone", () => {
    const { ring, reader } = watching();
    expect(ring.onChange).toBeDefined();
    expect(vi.getTimerCount()).toBe(2);
    reader.end();
    expect(ring.onChange).toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("has room for so many", () => {
    const { feed } = watching();
    const filter = parseFilter("");
    if (typeof filter === "string") throw new Error(filter);
    for (let i = 1; i < WATCHERS_MAX; i += 1) {
      expect(feed.hasRoom).toBe(true);
      feed.watch(new Reader() as unknown as ServerResponse, filter, false);
    }
    expect(feed.hasRoom).toBe(false);
    feed.close();
    expect(vi.getTimerCount()).toBe(0);
  });
});
