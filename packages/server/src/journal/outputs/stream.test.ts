// What a run leaves behind of a numbered stream, and what the next one makes of it and of its receiver's answer.
import { describe, expect, it } from "vitest";
import { get } from "../../../test/kit.ts";
import { keyOf } from "../../core/journal/settlement-tracker.ts";
import { JournalStream, readStreams, streamNames } from "./stream.ts";

const LANE = "output-tcp central:28020";

/** The named values of a store, and runs on them. */
class Disk {
  readonly values: Map<string, string> = new Map();

  open(done: ReadonlyMap<string, number> = new Map()): JournalStream {
    const events = { tracks: () => true, waiting: () => {} };
    return new JournalStream(LANE, readStreams(this.values).get(LANE), done, events);
  }

  /** One group. */
  write(stream: JournalStream, cursor = 0, lastEntry = 0): void {
    const changed = new Map<string, string | undefined>();
    for (const written of stream.collect(changed, cursor, lastEntry)) written();
    for (const [name, value] of changed) {
      if (value === undefined) this.values.delete(name);
      else this.values.set(name, value);
    }
  }

  get frames(): string[] {
    return [...this.values.keys()].filter((name) => name.startsWith("frame"));
  }
}

const [a, b, c, d] = [get("/a"), get("/b"), get("/c"), get("/d")];

describe("a stream", () => {
  it("keeps its name and numbers over runs", () => {
    const disk = new Disk();
    const first = disk.open();
    first.resolve(0);
    const written: number[] = [];
    first.write([a, b], () => written.push(1));
    first.write([], () => written.push(2));
    expect([first.hasWaiting, written]).toEqual([true, []]);
    disk.write(first);
    expect([first.hasWaiting, written]).toEqual([false, [1, 2]]);
    const second = disk.open();
    expect(second.producerId).toEqual(Buffer.from(first.producerId));
    expect([first.epoch, second.epoch]).toEqual([1, 2]);
    expect([second.firstUnackedSeq, second.lastSeq]).toEqual([1, 2]);
  });

  it("knows what the receiver has from an earlier run, as often as it was sent", () => {
    const disk = new Disk();
    const first = disk.open();
    first.resolve(0);
    for (const messages of [[a, b], [a], [c]]) first.write(messages, () => {});
    disk.write(first);
    const second = disk.open();
    expect([second.resolve(2), second.resolve(2)]).toEqual([1, 0]);
    const again = [a, b, a, a, c].map((message) => second.received(message));
    expect(again).toEqual([true, true, true, false, false]);
    // Numbers go on behind the receiver's last, and what was under them before is gone with the same group.
    second.write([d], () => {});
    disk.write(second);
    const third = disk.open();
    expect([third.firstUnackedSeq, third.lastSeq]).toEqual([3, 3]);
    third.resolve(3);
    expect([a, c, d].map((message) => third.received(message))).toEqual([true, false, true]);
  });

  it("keeps a frame until it is acknowledged, and one of an earlier run as long as its entries may be read again", () => {
    const disk = new Disk();
    const first = disk.open();
    first.resolve(0);
    for (const [message, lastEntry] of [
      [a, 5],
      [b, 7],
      [c, 9],
    ] as const) {
      first.write([message], () => {});
      disk.write(first, 1, lastEntry);
    }
    first.acked(1);
    disk.write(first, 1, 9);
    expect(disk.frames).toEqual([`frame\n${LANE}\n2`, `frame\n${LANE}\n3`]);
    const second = disk.open();
    second.resolve(3);
    expect([b, c].map((message) => second.received(message))).toEqual([true, true]);
    second.acked(3);
    disk.write(second, 8, 9);
    expect(disk.frames).toEqual([`frame\n${LANE}\n3`]);
    disk.write(second, 10, 10);
    expect(disk.frames).toEqual([]);
    expect(disk.open().firstUnackedSeq).toBe(4);
  });

  it("does not take another message of the same name for one that was settled before the crash", () => {
    const disk = new Disk();
    const first = disk.open();
    first.resolve(0);
    for (const messages of [[a], [a, b]]) first.write(messages, () => {});
    disk.write(first);
    const second = disk.open(new Map([[keyOf(a), 1]]));
    second.resolve(2);
    expect([a, a, b].map((message) => second.received(message))).toEqual([true, false, true]);
  });

  it("takes another name when its receiver knows more than it does, and says what may come twice", () => {
    const disk = new Disk();
    const first = disk.open();
    first.resolve(0);
    first.write([a, b], () => {});
    disk.write(first);
    const second = disk.open();
    expect(second.renew()).toBe(2);
    expect(second.producerId).not.toEqual(first.producerId);
    expect([second.firstUnackedSeq, second.lastSeq, second.received(a)]).toEqual([1, 0, false]);
    second.write([a], () => {});
    disk.write(second);
    expect(disk.frames).toHaveLength(1);
    expect(disk.open().producerId).toEqual(second.producerId);
  });

  it("does not write what it does not know, nor for an acknowledgement alone", () => {
    const disk = new Disk();
    const stream = new JournalStream(LANE, undefined, new Map(), {
      tracks: (message) => keyOf(message) === keyOf(b),
      waiting: () => {},
    });
    stream.resolve(0);
    stream.write([a, b], () => {});
    stream.write([c], () => {});
    disk.write(stream, 1, 1);
    expect([...disk.values.values()]).toContain(`1 ${keyOf(b)}`);
    expect(disk.frames).toHaveLength(1);
    const known = readStreams(disk.values).get(LANE);
    expect(known === undefined ? [] : streamNames(LANE, known).toSorted()).toEqual(
      [...disk.values.keys()].toSorted(),
    );
    stream.acked(1);
    disk.write(stream, 1, 1);
    const before = [...disk.values];
    stream.acked(2);
    disk.write(stream, 1, 1);
    expect([...disk.values]).toEqual(before);
  });
});
