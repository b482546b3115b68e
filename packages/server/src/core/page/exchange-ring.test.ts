// The last exchanges, whole, within their bound, with memory of their own.
import { HttpMessage, MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ExchangeRing } from "./exchange-ring.ts";
import { message } from "./testing/messages.ts";

const MB = 1024 * 1024;

const request = (id: string, text = "GET /a HTTP/1.1\r\n\r\n"): Message =>
  message(MessageKind.request, id, text);
const answer = (id: string, kind: MessageKind, status = 200, target?: string): Message =>
  message(kind, id, `HTTP/1.1 ${status} X\r\n\r\n`, target === undefined ? {} : { target });

describe("the ring", () => {
  it("joins a request with its recorded answer and one of each target", () => {
    const ring = new ExchangeRing(MB, () => 0);
    ring.seen([
      request("1"),
      answer("1", MessageKind.response, 201),
      answer("1", MessageKind.replayed, 202, "a"),
      answer("1", MessageKind.replayed, 503, "b"),
      answer("2", MessageKind.replayed, 500, "a"),
    ]);
    const entry = ring.get(1);
    expect(entry).toMatchObject({ method: "GET", target: "/a", original: { status: 201 } });
    expect([...(entry?.replayed ?? [])].map(([name, { status }]) => [name, status])).toEqual([
      ["a", 202],
      ["b", 503],
    ]);
    expect([ring.size, ring.requests]).toEqual([1, 1]);
  });

  it("holds no view on what it was given", () => {
    const frame = Buffer.from(`${"x".repeat(10_000)}GET /a HTTP/1.1\r\n\r\n`);
    const ring = new ExchangeRing(MB, () => 0);
    const http = HttpMessage.fromRaw(frame.subarray(10_000));
    ring.seen([{ ...request("1"), http }]);
    frame.fill(0);
    const kept = ring.get(1)?.request.bytes;
    expect(Buffer.from(kept ?? []).toString()).toBe("GET /a HTTP/1.1\r\n\r\n");
    expect(kept?.buffer.byteLength).toBe(kept?.length);
  });

  it("cuts what is too long for it, and says so", () => {
    const ring = new ExchangeRing(8 * MB, () => 0);
    ring.seen([request("1", `POST / HTTP/1.1\r\n\r\n${"x".repeat(3 * MB)}`)]);
    expect(ring.get(1)?.request).toMatchObject({ length: 3 * MB + 19, bodyState: 1 });
    expect(ring.get(1)?.request.bytes.length).toBe(MB);
  });

  it("takes what has no head, and answers nobody asked for", () => {
    const ring = new ExchangeRing(MB, () => 0);
    ring.seen([request("1", "\u0000"), answer("9", MessageKind.response)]);
    expect(ring.get(1)).toMatchObject({ method: "?", target: "(unreadable)" });
  });

  it("is never beyond its bound, forgets the oldest first, and keeps books that add up", () => {
    const step = fc.record({
      id: fc.nat(20),
      kind: fc.constantFrom(MessageKind.request, MessageKind.response, MessageKind.replayed),
      bytes: fc.nat(30_000),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const ring = new ExchangeRing(200_000, () => 0, true);
        let newest = 0;
        for (const { id, kind, bytes } of steps) {
          const start = kind === 1 ? "GET / HTTP/1.1" : "HTTP/1.1 200 X";
          const text = `${start}\r\n\r\n${"x".repeat(bytes)}`;
          ring.seen([message(kind, String(id), text)]);
          if (kind === 1) newest += 1;
          let sum = 0;
          let count = 0;
          for (let seq = newest; seq > 0; seq -= 1) {
            const entry = ring.get(seq);
            if (entry === undefined) break;
            sum += entry.costBytes;
            count += 1;
          }
          expect(ring.bytes).toBe(sum);
          expect(ring.size).toBe(count);
          expect(sum).toBeLessThanOrEqual(200_000);
        }
      }),
      { numRuns: 30 },
    );
  });

  it("tells of each change while somebody listens", () => {
    const ring = new ExchangeRing(MB, () => 0);
    const told: number[] = [];
    ring.onChange = ({ seq }) => told.push(seq);
    ring.seen([request("1"), request("2"), answer("1", MessageKind.response)]);
    expect(told).toEqual([1, 2, 1]);
  });
});
