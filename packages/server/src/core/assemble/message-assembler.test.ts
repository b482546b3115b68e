// Large messages in pieces: whole or not at all, and never in the memory of a server that forgot to let go.
import { BodyState, HttpMessage, MessageKind, packMessage } from "@mirrorball/protocol";
import type { Message, MessageMoreRecord, MessageRecord } from "@mirrorball/protocol";
import { describe, expect, it } from "vitest";
import { MessageAssembler } from "./message-assembler.ts";
import { MemoryBudget } from "../memory/budget.ts";

const body = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, i) => i & 0xff));
const large: Message = {
  kind: MessageKind.response,
  id: "a",
  startedAt: 1n,
  latencyNs: 2,
  http: HttpMessage.fromRaw(body),
};

function records(number: number, id = "a"): [MessageRecord, ...MessageMoreRecord[]] {
  const { record, rest = Buffer.alloc(0) } = packMessage({ ...large, id }, number);
  const cuts = [0, 1, 65_537, 200_000, rest.length];
  const pieces = cuts
    .slice(1)
    .map((end, i): MessageMoreRecord => [11, number, rest.subarray(cuts[i], end)]);
  return [record, ...pieces];
}

function setUp(budget: MemoryBudget = new MemoryBudget(2 ** 30)): {
  assembler: MessageAssembler;
  out: Message[];
  lost: string[];
  budget: MemoryBudget;
} {
  const lost: string[] = [];
  return {
    assembler: new MessageAssembler(budget.account(), (reason) => lost.push(reason)),
    out: [],
    lost,
    budget,
  };
}

describe("a message in pieces", () => {
  it("is given out when the last piece is here, and under way until then", () => {
    const { assembler, out, lost, budget } = setUp();
    const all = records(7);
    for (const record of all) {
      expect(out).toHaveLength(0);
      assembler.take(record, 5, out);
      expect(assembler.midMessage).toBe(record !== all.at(-1));
      expect(assembler.oldestPosition).toBe(assembler.midMessage ? 5 : undefined);
    }
    expect(Buffer.from(out[0]?.http.raw ?? []).equals(body)).toBe(true);
    expect(out[0]).toMatchObject({ id: "a", kind: 2, startedAt: 1n });
    expect([lost, budget.usedBytes]).toEqual([[], 0]);
  });

  it("that is sent again from its beginning comes once", () => {
    const { assembler, out, lost, budget } = setUp();
    for (const record of records(7).slice(0, 3)) assembler.take(record, 5, out);
    assembler.restart();
    expect([assembler.midMessage, budget.usedBytes]).toEqual([false, 0]);
    for (const record of records(7)) assembler.take(record, 5, out);
    expect([out.length, lost]).toEqual([1, []]);
  });

  it("without its beginning, broken off, or longer than it said is counted", () => {
    const { assembler, out, lost, budget } = setUp();
    const [first, piece] = records(7);
    if (piece === undefined) throw new Error("no piece");
    assembler.take(piece, 5, out);
    expect(lost.splice(0)).toEqual(["orphan"]);
    assembler.take(first, 5, out);
    assembler.take(records(8, "b")[0], 5, out);
    expect(lost.splice(0)).toEqual(["broken-off"]);
    assembler.take([11, 8, Buffer.alloc(body.length + 1)], 5, out);
    expect(lost).toEqual(["orphan"]);
    expect([out.length, assembler.midMessage, budget.usedBytes]).toEqual([0, false, 0]);
  });

  it("that a restarted producer begins again comes once, whatever number it has now", () => {
    const { assembler, out, lost, budget } = setUp();
    for (const record of records(7).slice(0, 3)) assembler.take(record, 5, out);
    for (const record of records(1)) assembler.take(record, 6, out);
    expect(Buffer.from(out[0]?.http.raw ?? []).equals(body)).toBe(true);
    expect([out.length, lost, budget.usedBytes]).toEqual([1, [], 0]);
  });

  it("that does not fit is cut and marked", () => {
    const { assembler, out } = setUp(new MemoryBudget(200_000));
    for (const record of records(7)) assembler.take(record, 5, out);
    // The first two pieces, one byte and 64 KiB.
    expect(out[0]?.http.raw).toHaveLength(65_537);
    expect(out[0]?.context?.bodyState).toBe(BodyState.truncated);
  });
});
