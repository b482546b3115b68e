// What a journal keeps of exchanges under way.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BodyState, RecordType, packRecords } from "@mirrorball/protocol";
import type { Message, WireRecord } from "@mirrorball/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { TestProducer, helloOf, quietIntake } from "../../test/journal-kit.ts";
import type { JoinedProducer } from "../component/intake.ts";
import { Journal } from "./journal.ts";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const LIMIT_BYTES = 1_000_000;

interface Run {
  readonly journal: Journal;
  readonly safeSeq: JoinedProducer["safeSeq"];
  readonly messages: Message[];
  readonly dropped: string[];
  append(seq: number, ...records: WireRecord[]): Promise<void>;
}

/** A journal with one output that settles everything at once. */
function open(directory: string): Run {
  const messages: Message[] = [];
  const dropped: string[] = [];
  const journal: Journal = Journal.open({
    directory,
    limitBytes: LIMIT_BYTES,
    split: false,
    clock: { nowUs: () => Date.now() * 1000, monotonicMs: () => performance.now() },
    log: { warn: () => {}, debug: () => {} },
    emit: (batch, entry) => {
      for (const message of batch) {
        if (cursor.tracker.admission(message, entry) !== "new") continue;
        cursor.tracker.queued(message, entry);
        messages.push(message);
        cursor.settled([message]);
      }
      return undefined;
    },
    dropped: (reason) => dropped.push(reason),
    onFatalDiskError: (reason) => {
      throw new Error(reason);
    },
  });
  const cursor = journal.cursor("output-test", () => false);
  journal.start();
  closers.push(() => journal.close());
  const producer = new TestProducer(quietIntake(journal), helloOf(1));
  return {
    journal,
    safeSeq: producer.joined.safeSeq,
    messages,
    dropped,
    append: (seq, ...records) => producer.append(seq, packRecords(records), records),
  };
}

const directory = (): string => join(mkdtempSync(join(tmpdir(), "mirrorball-")), "journal");

function whole(number: number, bodyBytes: number): WireRecord {
  return [
    RecordType.exchange, number, 1, 1, 1, 1, null, "GET", `/${number}`, "HTTP/1.1", ["Host", "x"],
    Buffer.alloc(bodyBytes), BodyState.complete, null, 1, 1, null, null, BodyState.complete, null, null, null,
  ]; // prettier-ignore
}

function head(number: number): WireRecord {
  return [
    RecordType.requestHead, number, 1, 1, 1, null, "PUT", `/${number}`, "HTTP/1.1", ["Host", "x"], null, null,
  ]; // prettier-ignore
}

const end = (number: number): WireRecord[] => [
  [RecordType.requestEnd, number, 1, BodyState.complete, null],
  [RecordType.responseEnd, number, 1, BodyState.complete, null],
];

const targets = (messages: readonly Message[]): string[] =>
  messages.map((message) => {
    const { head: first } = message.http;
    return first !== undefined && "target" in first ? first.target : "";
  });

describe("exchanges under way", () => {
  it("are kept beside one that is too old to be", async () => {
    const at = directory();
    const first = open(at);
    await first.append(1, head(1));
    for (const seq of [2, 3, 4]) await first.append(seq, whole(seq, LIMIT_BYTES / 10));
    await first.append(5, head(5));
    await first.append(6, whole(6, 1000));
    await first.append(7, whole(7, 1000));
    await first.journal.drained();
    await first.journal.close();
    const second = open(at);
    expect(second.safeSeq).toBe(7);
    await second.append(8, ...end(5));
    await second.append(9, ...end(1));
    await second.journal.drained();
    expect(targets(second.messages)).toEqual(["/5"]);
    // What would have held up a quarter of the journal.
    expect(second.dropped).toEqual(["orphan"]);
  });
});
