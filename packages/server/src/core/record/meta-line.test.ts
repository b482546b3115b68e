// The meta line: written and read back, as gor of every age wrote it, and what is none.
import { timestampToNs } from "@mirrorball/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { metaLine, parseMetaLine } from "./meta-line.ts";

function parse(line: string): ReturnType<typeof parseMetaLine> {
  // Not at the start of its buffer, and with bytes behind it.
  const bytes = Buffer.from(`xx${line}\nGET`, "latin1");
  return parseMetaLine(bytes, 2, 2 + line.length);
}

describe("parseMetaLine", () => {
  it.each([
    ["1 a 1439818823587396305", 1, "a", 1439818823587396305n, undefined],
    ["1 a 1439818823587396305 20", 1, "a", 1439818823587396305n, 20],
    ["2 8e0917 2782013 -1", 2, "8e0917", 2782013n, -1],
    ["3 8e0917 1439818823587396000 5 6 x", 3, "8e0917", 1439818823587396n, 5],
    ["1 a 0 0\r", 1, "a", 0n, 0],
  ])("reads %j", (line, kind, id, ns, latencyNs) => {
    const meta = parse(line);
    expect(meta).toMatchObject({ kind, id, latencyNs });
    // Microseconds may stay a number.
    const at = meta?.startedAt ?? 0;
    expect(typeof at === "number" ? BigInt(at) : at).toBe(ns);
  });

  it.each(["", "1", "1 a", "4 a 1 1", "1 a b 1", "1  1 1", "GET / HTTP/1.1", "\r"])(
    "refuses %j",
    (line) => {
      expect(parse(line)).toBeUndefined();
    },
  );

  it("reads back what metaLine writes, digit by digit", () => {
    const moment = fc.oneof(
      fc.bigInt({ min: 0n, max: 2n ** 63n }),
      fc.bigInt({ min: 0n, max: 2n ** 53n }).map((us) => us * 1000n),
      fc.integer({ min: 0, max: 2 ** 50 }),
    );
    const latency = fc.option(fc.integer({ min: -1 }), { nil: undefined });
    fc.assert(
      fc.property(moment, latency, fc.constantFrom(1, 2, 3), (startedAt, latencyNs, kind) => {
        const line = metaLine({ kind, id: "0f", startedAt, latencyNs });
        const meta = parse(line.slice(0, -1));
        expect(meta).toMatchObject({ kind, id: "0f", latencyNs });
        expect(timestampToNs(meta?.startedAt ?? -1)).toBe(timestampToNs(startedAt));
        if (meta !== undefined) expect(metaLine(meta)).toBe(line);
      }),
    );
  });
});
