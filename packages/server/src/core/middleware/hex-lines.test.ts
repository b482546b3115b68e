// gor's hex lines: those of a real gor, whole, byte by byte and with more behind; every way to be no line; there and back.
import { readFileSync } from "node:fs";
import { HttpMessage, MessageKind, timestampToNs } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HexLineDecoder, encodeHexLines } from "./hex-lines.ts";

const recorded = readFileSync(
  new URL("../../../test/fixtures/shop.middleware-stdin.hex", import.meta.url),
);

interface Read {
  readonly messages: readonly Message[];
  readonly refused: readonly string[];
}

function read(chunks: readonly Buffer[], clean = true, lineBytesMax?: number): Read {
  const refused: string[] = [];
  const messages: Message[] = [];
  const decoder = new HexLineDecoder((reason) => refused.push(reason), lineBytesMax);
  for (const chunk of chunks) decoder.push(chunk, messages);
  decoder.end(clean, messages);
  return { messages, refused };
}

function cut(bytes: Buffer, size: number): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
  return chunks;
}

function hex(text: string): string {
  return Buffer.from(text, "latin1").toString("hex");
}

function lines(...text: string[]): Buffer {
  return Buffer.from(`${text.join("\n")}\n`, "latin1");
}

const good = hex("1 a 1000 0\nGET / HTTP/1.1\r\n\r\n");

describe("what a real gor wrote", () => {
  it("reads: 22 requests, 26 responses, 22 replayed responses, and writes back byte for byte", () => {
    const { messages, refused } = read([recorded]);
    expect(refused).toEqual([]);
    const kinds = messages.map(({ kind }) => kind);
    expect([1, 2, 3].map((kind) => kinds.filter((k) => k === kind).length)).toEqual([22, 26, 22]);
    expect(encodeHexLines(messages).equals(recorded)).toBe(true);
  });

  it.each([1, 7, 4096, 65_536])("reads the same in chunks of %i", (size) => {
    const { messages } = read(cut(recorded, size));
    expect(encodeHexLines(messages).equals(recorded)).toBe(true);
  });
});

describe("a line", () => {
  it.each([
    ["upper-case digits", lines(good.toUpperCase())],
    ["CR LF", lines(`${good}\r`)],
    ["empty lines around it", lines("", good, "\r", "")],
    ["no LF behind the last", Buffer.from(good)],
  ])("is read with %s, whole and byte by byte", (_name, bytes) => {
    for (const chunks of [[bytes], cut(bytes, 1)]) {
      const { messages, refused } = read(chunks);
      expect(refused).toEqual([]);
      expect(messages).toHaveLength(1);
      expect(Buffer.from(messages[0]?.http.raw ?? []).toString()).toBe("GET / HTTP/1.1\r\n\r\n");
    }
  });

  it.each([
    ["odd-length", good.slice(1)],
    ["not-hex", `zz${good.slice(2)}`],
    ["not-hex", `${good.slice(0, -2)}zz`],
    ["not-hex", "GET / a1"],
    ["no-meta-line", hex("GET / HTTP/1.1\r\n\r\n")],
    ["no-meta-line", hex("1 a\nGET / HTTP/1.1\r\n\r\n")],
    ["empty-payload", hex("1 a 1 1\n")],
    ["empty-payload", hex("1 a 1 1")],
  ])("that is %s is told, and those around it are read", (reason, bad) => {
    const bytes = lines(good, bad, good);
    for (const chunks of [[bytes], cut(bytes, 1), cut(bytes, 5)]) {
      const { messages, refused } = read(chunks);
      expect(refused).toEqual([reason]);
      expect(messages).toHaveLength(2);
    }
  });

  it("of a program that was killed is not taken for a message", () => {
    const { messages, refused } = read([lines(good), Buffer.from(good.slice(0, -8))], false);
    expect(refused).toEqual(["incomplete-line"]);
    expect(messages).toHaveLength(1);
  });

  it("beyond the bound is skipped to its end", () => {
    const bytes = lines(good, hex("1 b 1 1\n").repeat(20), good);
    const { messages, refused } = read(cut(bytes, 50), true, 120);
    expect(refused).toEqual(["line-too-long"]);
    expect(messages).toHaveLength(2);
  });
});

describe("there and back", () => {
  const message = fc.record({
    kind: fc.constantFrom(MessageKind.request, MessageKind.response, MessageKind.replayed),
    id: fc.stringMatching(/^[!-~]{1,40}$/),
    startedAt: fc.bigInt({ min: 0n, max: 2n ** 63n }),
    latencyNs: fc.integer({ min: -1 }),
    http: fc.uint8Array({ minLength: 1, maxLength: 300 }).map((raw) => HttpMessage.fromRaw(raw)),
  });

  it("changes nothing, whatever the bytes and wherever they are cut", () => {
    fc.assert(
      fc.property(fc.array(message), fc.integer({ min: 1, max: 700 }), (batch, size) => {
        const { messages, refused } = read(cut(encodeHexLines(batch), size));
        expect(refused).toEqual([]);
        expect(messages.length).toBe(batch.length);
        for (const [i, sent] of batch.entries()) {
          const back = messages[i];
          expect(back).toMatchObject({ kind: sent.kind, id: sent.id, latencyNs: sent.latencyNs });
          expect(timestampToNs(back?.startedAt ?? -1)).toBe(sent.startedAt);
          expect(Buffer.from(back?.http.raw ?? []).equals(sent.http.raw)).toBe(true);
        }
      }),
    );
  });
});
