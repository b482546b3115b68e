// gor's record format: whole, byte by byte, in any pieces; every generation of first lines; what is no record; and the way back.
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { HttpMessage, timestampToNs } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RecordDecoder } from "./decode.ts";
import { encodeRecords } from "./encode.ts";

const SEPARATOR = "\n🐵🙈🙉\n";
const GET = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
const fixture = (name: string): Buffer =>
  readFileSync(new URL(`../../../test/fixtures/${name}`, import.meta.url));

interface Read {
  readonly messages: Message[];
  readonly timesNs: number[];
  readonly skipped: [reason: string, offset: number][];
}

function read(pieces: Iterable<Uint8Array>, recordBytesMax?: number): Read {
  const skipped: [string, number][] = [];
  const out = { messages: [] as Message[], timesNs: [] as number[] };
  const decoder = new RecordDecoder({
    skipped: (reason, offset) => skipped.push([reason, offset]),
    ...(recordBytesMax === undefined ? {} : { recordBytesMax }),
  });
  for (const piece of pieces) decoder.push(piece, out);
  decoder.end(out);
  return { ...out, skipped };
}

const singly = (bytes: Buffer): Buffer[] => Array.from(bytes, (byte) => Buffer.from([byte]));
const plain = ({ messages, skipped }: Read): unknown => ({
  messages: messages.map(({ kind, id, startedAt, latencyNs, http, context }) => [
    kind,
    id,
    timestampToNs(startedAt),
    latencyNs,
    Buffer.from(http.raw).toString("latin1"),
    context?.framing,
  ]),
  skipped,
});

/** Whole and byte by byte give the same. */
function both(text: string): Read {
  const bytes = Buffer.from(text);
  const once = read([bytes]);
  expect(plain(read(singly(bytes)))).toEqual(plain(once));
  return once;
}

describe("a real gor's recording", () => {
  it.each(["shop.gor", "shop.gor.gz"])("%s comes back byte for byte", (name) => {
    const bytes = name.endsWith(".gz") ? gunzipSync(fixture(name)) : fixture(name);
    const { messages, skipped } = read([bytes]);
    expect(messages).toHaveLength(48);
    expect(skipped).toEqual([]);
    expect(encodeRecords(messages).equals(bytes)).toBe(true);
  });

  it("is the same in pieces of any size", () => {
    const bytes = fixture("shop.gor").subarray(0, 8000);
    const expected = plain(read([bytes]));
    for (let size = 1; size < 200; size += 1) {
      const pieces = [];
      for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
      expect(plain(read(pieces))).toEqual(expected);
    }
  });
});

describe("first lines", () => {
  const one = (meta: string): Message | undefined =>
    both(`${meta}\n${GET}${SEPARATOR}`).messages[0];

  it.each([
    ["1 abc 1732406400000000123", 1, "1732406400000000123", undefined],
    ["1 abc 1732406400000000000 7", 1, "1732406400000000000", 7],
    ["2 abc 1732406400000000123 -1", 2, "1732406400000000123", -1],
    ["1 abc 1732406400000000123 7 8 9", 1, "1732406400000000123", 7],
    ["1 é→x 5 7", 1, "5", 7],
    ["1 abc 1", 1, "1", undefined],
    ["1 abc 9999999999999999999 0", 1, "9999999999999999999", 0],
    // gor's output-binary wrote the numbers of type 3 the wrong way round.
    ["3 abc 2500 1732406400000000123", 3, "1732406400000000123", 2500],
    ["1 abc 1732406400000000123 7\r", 1, "1732406400000000123", 7],
  ] as const)("reads %j", (meta, kind, startedAt, latencyNs) => {
    const message = one(meta);
    expect(message?.kind).toBe(kind);
    expect(String(timestampToNs(message?.startedAt ?? 0))).toBe(startedAt);
    expect(message?.latencyNs).toBe(latencyNs);
    expect(Buffer.from(message?.http.raw ?? []).toString()).toBe(GET);
  });

  it("takes the third field of an old response for what it is: how long it took", () => {
    const { messages } = both(
      `1 a 1732406400000000123\n${GET}${SEPARATOR}2 a 4500\nHTTP/1.1 200 OK\r\n\r\n${SEPARATOR}`,
    );
    expect(messages[1]?.latencyNs).toBe(4500);
    expect(messages[1]?.startedAt).toBe(1_732_406_400_000_000_123n);
  });

  it.each([
    ["1 a 1439818823587396305 20 ambiguous", true],
    ["1 a 1439818823587396305 -1 ambiguous x", true],
    ["1 a 1439818823587396305 20 ambiguous\r", true],
    ["1 a 1439818823587396305 20", false],
    ["1 a 1439818823587396305 20 ambiguously", false],
    ["1 a 1439818823587396305 20 ambiguou", false],
    ["1 a 1439818823587396305 20 x ambiguous", true],
    ["1 ambiguous 1439818823587396305 20", false],
  ])("reads the mark of what can be read in two ways in %j: %s", (meta, isMarked) => {
    expect(one(meta)?.context?.framing).toBe(isMarked ? "ambiguous" : undefined);
  });

  it("writes that mark so that it is read again, with and without a latency", () => {
    for (const latencyNs of [undefined, -1, 0, 20]) {
      const message: Message = {
        kind: 1,
        id: "a",
        startedAt: 1,
        latencyNs,
        http: HttpMessage.fromRaw(Buffer.from(GET)),
        context: { framing: "ambiguous" },
      };
      const { messages } = both(encodeRecords([message, { ...message, context: {} }]).toString());
      expect(messages.map(({ context }) => context?.framing)).toEqual(["ambiguous", undefined]);
      expect(messages[0]?.latencyNs).toBe(latencyNs ?? -1);
    }
  });

  it.each([
    "",
    "x",
    "4 a 1 2",
    "1  1 2",
    "1 a",
    "1 a x",
    "1 a 12345678901234567890",
    "GET / HTTP/1.1",
    "10 a 1",
    "1 a 1x",
  ])("skips %j, told with its place, and nothing else", (meta) => {
    const good = `1 good 1 2\n${GET}${SEPARATOR}`;
    const { messages, skipped } = both(`${good}${meta}\n${GET}${SEPARATOR}${good}`);
    expect(messages.map(({ id }) => id)).toEqual(["good", "good"]);
    expect(skipped).toEqual([["bad-record", Buffer.byteLength(good)]]);
  });
});

describe("ends", () => {
  it.each([
    ["nothing", ""],
    ["an LF", "\n"],
    ["half a separator", "\n🐵🙈"],
    ["all but the last byte", "\n🐵🙈🙉"],
  ])("keeps the last record when %s stands behind it", (_, rest) => {
    for (const payload of [GET, "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\na\n\n"]) {
      const { messages, skipped } = both(`1 a 1 2\n${GET}${SEPARATOR}1 b 2 3\n${payload}${rest}`);
      expect(skipped).toEqual([]);
      expect(Buffer.from(messages[1]?.http.raw ?? []).toString()).toBe(payload);
    }
  });

  it.each([
    "1 b",
    "1 b 2 3\n",
    "1 b 2 3\nGET / HTT",
    "1 b 2 3\nPOST / HTTP/1.1\r\nContent-Length: 3\r\n\r\na",
  ])("counts a record that breaks off: %j", (rest) => {
    const first = `1 a 1 2\n${GET}${SEPARATOR}`;
    const { messages, skipped } = both(first + rest);
    expect(messages.map(({ id }) => id)).toEqual(["a"]);
    expect(skipped).toHaveLength(1);
    expect(skipped[0]?.[1]).toBe(Buffer.byteLength(first));
  });

  it("takes an empty file, blank lines and separators in a row for nothing", () => {
    expect(plain(both(""))).toEqual({ messages: [], skipped: [] });
    const { messages, skipped } = both(
      `${SEPARATOR.slice(1)}${SEPARATOR}\n1 a 1 2\n${GET}${SEPARATOR}${SEPARATOR}\n\n`,
    );
    expect(skipped).toEqual([["bad-record", 27]]);
    expect(messages).toEqual([]);
    expect(both(`1 a 1 2\n${GET}${SEPARATOR}${SEPARATOR}\r\n`).skipped).toEqual([]);
  });

  it("counts a record without a payload", () => {
    expect(both(`1 a 1 2\n${SEPARATOR}1 b 1 2${SEPARATOR}`).skipped).toEqual([
      ["empty-record", 0],
      ["empty-record", 8 + 14],
    ]);
  });
});

describe("bodies", () => {
  it("reads a file with CR LF line ends", () => {
    const text = `1 a 1 2\r\n${GET}\r\n🐵🙈🙉\r\n1 b 3 4\r\n${GET}\r\n🐵🙈🙉\r\n`;
    const { messages, skipped } = both(text);
    expect(skipped).toEqual([]);
    expect(messages.map(({ id, http }) => [id, Buffer.from(http.raw).toString()])).toEqual([
      ["a", GET],
      ["b", GET],
    ]);
  });

  it("does not take monkeys within a line for a separator", () => {
    const body = "x🐵🙈🙉\ny\n🐵🙈🙉z\n🐵🙈🙊\n";
    const payload = `POST / HTTP/1.1\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
    const { messages } = both(`1 a 1 2\n${payload}${SEPARATOR}`);
    expect(Buffer.from(messages[0]?.http.raw ?? []).toString()).toBe(payload);
  });

  it("keeps a CR before the separator, unless the separator's line ends in one too", () => {
    expect(
      Buffer.from(both(`1 a 1 2\nx\r${SEPARATOR}`).messages[0]?.http.raw ?? []).toString(),
    ).toBe("x\r");
  });

  it("skips what is larger than the limit and goes on behind it", () => {
    const large = Buffer.from(
      `1 a 1 2\n${"x".repeat(5000)}${SEPARATOR}1 b 1 2\n${GET}${SEPARATOR}`,
    );
    const pieces = [large.subarray(0, 3000), large.subarray(3000, 4500), large.subarray(4500)];
    const { messages, skipped } = read(pieces, 4000);
    expect(messages.map(({ id }) => id)).toEqual(["b"]);
    expect(skipped).toEqual([["oversized-record", 0]]);
  });

  it("holds no binary file in memory", () => {
    const skipped: [string, number, number][] = [];
    const decoder = new RecordDecoder({
      skipped: (...told) => skipped.push(told),
      recordBytesMax: 100_000_000,
    });
    const out = { messages: [], timesNs: [] };
    const noise = Buffer.alloc(1 << 20, 0x80);
    for (let i = 0; i < 200; i += 1) decoder.push(noise, out);
    decoder.end(out);
    // Held, it would have been oversized.
    expect(skipped).toEqual([["bad-record", 0, 200 << 20]]);
  });
});

describe("times", () => {
  it("are nanoseconds since the epoch given", () => {
    const out = { messages: [] as Message[], timesNs: [] as number[] };
    const decoder = new RecordDecoder({ skipped: () => {}, epochSeconds: 1_732_406_400 });
    decoder.push(Buffer.from(`1 a 1732406399000000001 2\n${GET}${SEPARATOR}`), out);
    decoder.push(Buffer.from(`1 a 1732406401000000003 2\n${GET}${SEPARATOR}`), out);
    expect(out.timesNs).toEqual([-999_999_999, 1_000_000_003]);
  });
});

describe("any messages", () => {
  const message = fc.record({
    kind: fc.constantFrom<1 | 2 | 3>(1, 2, 3),
    id: fc.stringMatching(/^[!-~]{1,40}$/),
    startedAt: fc.oneof(
      fc.bigInt({ min: 1_000_000_000_000_000n, max: 9_999_999_999_999_999_999n }),
      fc.integer({ min: 1_000_000_000_000, max: 1_800_000_000_000_000 }),
    ),
    latencyNs: fc.option(fc.integer({ min: -1, max: 1_000_000_000_000 }), { nil: undefined }),
    http: fc
      .uint8Array({ minLength: 1, maxLength: 300 })
      .map((bytes) => HttpMessage.fromRaw(Buffer.from(bytes))),
  });

  it("written and read in any pieces are the same again", () => {
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 10 }),
        fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }),
        (messages, sizes) => {
          const bytes = encodeRecords(messages);
          const pieces = [];
          for (let at = 0, i = 0; at < bytes.length; i += 1) {
            const size = sizes[i % sizes.length] ?? 1;
            pieces.push(bytes.subarray(at, at + size));
            at += size;
          }
          const { messages: again, skipped } = read(pieces);
          expect(skipped).toEqual([]);
          expect(encodeRecords(again).equals(bytes)).toBe(true);
        },
      ),
    );
  });
});
