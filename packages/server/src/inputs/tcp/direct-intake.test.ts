// The intake without a journal: what is safe when, and what becomes of producers that come back, are superseded or stay away.
import { BodyState, MessageKind, RecordType } from "@mirrorball/protocol";
import type { Hello, Message, WireRecord } from "@mirrorball/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import type { FrameLine } from "../../component/intake.ts";
import { DirectIntake } from "./direct-intake.ts";

const hello = (id: number): Hello =>
  ({ producerId: Buffer.alloc(16, id), service: "shop", epoch: 0 }) as Partial<Hello> as Hello;

let nowMs: number;
let emitted: Message[];
let unaccounted: string[];
let intake: DirectIntake;
beforeEach(() => {
  nowMs = 0;
  emitted = [];
  unaccounted = [];
  intake = new DirectIntake(
    {
      emit: (batch) => void emitted.push(...batch),
      dropped: () => {},
      clock: { nowUs: () => 0, monotonicMs: () => nowMs },
    },
    { unaccounted: ({ key }, count) => unaccounted.push(`${key.slice(0, 2)} ${count}`) },
  );
});

interface Line extends FrameLine {
  readonly heard: string[];
}

function line(): Line {
  const heard: string[] = [];
  return {
    heard,
    safe: (seq, bytes) => heard.push(`safe ${seq} ${bytes}`),
    held: (bytes) => heard.push(`held ${bytes}`),
    supersede: () => heard.push("superseded"),
  };
}

const payload = Buffer.alloc(10);
const HEAD: WireRecord = [
  RecordType.requestHead, 1, 1, 1, 1, null, "PUT", "/", "HTTP/1.1", [], null, null,
]; // prettier-ignore
const RESPONSE: WireRecord = [RecordType.responseHead, 1, 1, "HTTP/1.1 200 OK\r\n\r\n"];
const END: WireRecord[] = [
  [RecordType.requestEnd, 1, 1, BodyState.complete, null],
  [RecordType.responseEnd, 1, 1, BodyState.complete, null],
];

const kinds = (): MessageKind[] => emitted.map(({ kind }) => kind);

describe("a frame", () => {
  it("is safe when its messages are in the pipeline, and known when its producer comes back", () => {
    const [first, second] = [line(), line()];
    const joined = intake.join(hello(1), first);
    expect(joined.safeSeq).toBeUndefined();
    void joined.take({ seq: 1, payload, records: [HEAD] });
    expect(first.heard).toEqual(["safe 1 10"]);
    joined.leave(undefined);
    const again = intake.join(hello(1), second);
    expect(again.safeSeq).toBe(1);
    void again.take({ seq: 2, payload, records: [RESPONSE, ...END] });
    expect(kinds()).toEqual([MessageKind.request, MessageKind.response]);
  });

  it("that was refused is safe all the same", () => {
    const first = line();
    void intake.join(hello(1), first).take({ seq: 1, payload, records: undefined });
    expect([first.heard, emitted]).toEqual([["safe 1 10"], []]);
  });

  it("of a connection that is superseded is not taken: it comes again on the other one", () => {
    const [older, newer] = [line(), line()];
    const stale = intake.join(hello(1), older);
    void stale.take({ seq: 1, payload, records: [HEAD] });
    const joined = intake.join(hello(1), newer);
    expect(stale.take({ seq: 2, payload, records: [RESPONSE, ...END] })).toBeUndefined();
    stale.bye(3);
    expect(older.heard).toEqual(["safe 1 10", "superseded"]);
    void joined.take({ seq: 2, payload, records: [RESPONSE, ...END] });
    expect(newer.heard).toEqual(["safe 2 10"]);
    expect([kinds(), unaccounted]).toEqual([[MessageKind.request, MessageKind.response], []]);
  });
});

describe("what a producer leaves unfinished", () => {
  it("is given out when it says goodbye, at once", () => {
    const joined = intake.join(hello(1), line());
    void joined.take({ seq: 1, payload, records: [HEAD] });
    joined.bye(2);
    expect([kinds(), unaccounted]).toEqual([[MessageKind.request], ["01 2"]]);
    expect(emitted[0]?.context?.bodyState).toBe(BodyState.aborted);
  });

  it("is given out when it stays away, not while another connection speaks for it", () => {
    const [older, newer] = [line(), line()];
    const stale = intake.join(hello(1), older);
    void stale.take({ seq: 1, payload, records: [HEAD] });
    const joined = intake.join(hello(1), newer);
    stale.leave(9);
    nowMs = 100_000;
    intake.tick(nowMs);
    expect(emitted).toEqual([]);
    joined.leave(1);
    intake.tick(160_000);
    expect(emitted).toEqual([]);
    intake.tick(160_001);
    expect([kinds(), unaccounted]).toEqual([[MessageKind.request], ["01 1"]]);
  });

  it("is given out at the end of the input", async () => {
    void intake.join(hello(1), line()).take({ seq: 1, payload, records: [HEAD] });
    const other = intake.join(hello(2), line());
    other.leave(4);
    await intake.end();
    expect([kinds(), unaccounted]).toEqual([[MessageKind.request], ["02 4"]]);
  });
});
