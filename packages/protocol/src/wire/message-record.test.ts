// Messages as wire records and back: nothing of a message may change on the way from one server to the next.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkPayload } from "./check-payload.ts";
import { decodeWelcome } from "../session/control.ts";
import { HttpMessage } from "../http/http-message.ts";
import { FRAME_PAYLOAD_BYTES_MAX, HEAD_BYTES_MAX, WHOLE_EXCHANGE_BYTES_MAX } from "../limits.ts";
import { messageOf, packMessage } from "./message-record.ts";
import { BodyState, MessageKind, timestampToNs } from "../message.ts";
import type { Message } from "../message.ts";
import { RecordType, isToken, packRecords, unpackRecords } from "./record.ts";
import type { MessageRecord } from "./record.ts";

function through(message: Message): Message | undefined {
  const { record, rest } = packMessage(message, 1);
  const payload = packRecords([record]);
  expect(checkPayload(payload)).toBeUndefined();
  expect(payload.length).toBeLessThanOrEqual(FRAME_PAYLOAD_BYTES_MAX);
  const [back] = unpackRecords(payload) as MessageRecord[];
  return back === undefined ? undefined : messageOf(back, rest ?? back[9] ?? undefined);
}

const plain = (http: HttpMessage, extra: Partial<Message> = {}): Message => ({
  kind: MessageKind.request,
  id: "d7d9003f0a0000092f3c1a55",
  startedAt: 1_732_406_400_123_456_789n,
  latencyNs: 5,
  http,
  ...extra,
});

const bytes = (text: string): Buffer => Buffer.from(text, "latin1");

describe("a message through the wire", () => {
  it("keeps kind, id, nanoseconds, latency, raw bytes and context, whatever they are", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.values(MessageKind)),
        fc.stringMatching(/^[!-~]{1,64}$/),
        fc.bigInt(0n, 9_223_372_036_854_775_807n),
        fc.option(fc.integer({ min: -2_000_000_000, max: 2_000_000_000 }), { nil: undefined }),
        fc.uint8Array({ maxLength: 300 }),
        fc.record({
          connection: fc.option(fc.nat(), { nil: undefined }),
          peer: fc.option(fc.string(), { nil: undefined }),
          tags: fc.option(fc.constant(["a", "b"]), { nil: undefined }),
          bodyState: fc.constantFrom(undefined, BodyState.truncated, BodyState.aborted),
          failure: fc.option(fc.string(), { nil: undefined }),
          framing: fc.constantFrom(undefined, "ambiguous" as const),
        }),
        (kind, id, startedAt, latencyNs, raw, context) => {
          const back = through({
            kind,
            id,
            startedAt,
            latencyNs,
            http: HttpMessage.fromRaw(raw),
            context,
          });
          expect(back).toMatchObject({ kind, id, latencyNs, context });
          expect(timestampToNs(back?.startedAt ?? -1)).toBe(startedAt);
          expect(Buffer.from(back?.http.raw ?? []).equals(Buffer.from(raw))).toBe(true);
        },
      ),
    );
  });

  it("keeps the form it was born in: a body in parts is not framed, a cut one not mistaken for whole", () => {
    const head = "HTTP/1.1 200 OK\r\nContent-Length: 307200\r\nX: caf\u00e9\r\n\r\n";
    const back = through(plain(HttpMessage.fromHeadText(head, bytes(""), ["X-Sum", "9"])));
    expect(back?.http.headText).toBe(head);
    expect(back?.http.bodyComplete).toBe(true);
    expect(back?.http.trailers).toEqual(["X-Sum", "9"]);
    const raw = through(plain(HttpMessage.fromRaw(bytes(head))));
    expect(raw?.http.headText).toBeUndefined();
    expect(raw?.http.bodyComplete).toBe(false);
  });

  it("gives a time in whole microseconds back as a number", () => {
    const http = HttpMessage.fromRaw(bytes("x"));
    expect(through(plain(http, { startedAt: 1_732_406_400_123_456 }))?.startedAt).toBe(
      1_732_406_400_123_456,
    );
    expect(through(plain(http, { startedAt: -5n }))?.startedAt).toBe(0);
  });

  it("takes a body too large for a record apart from it", () => {
    const body = Buffer.alloc(WHOLE_EXCHANGE_BYTES_MAX + 1, 7);
    const { record, rest } = packMessage(plain(HttpMessage.fromRaw(body)), 9);
    expect(record.slice(0, 2)).toEqual([RecordType.message, 9]);
    expect(record[10]).toBe(body.length);
    expect(rest?.length).toBe(body.length);
  });

  it("sends a head larger than any field may be as raw bytes", () => {
    const head = `GET / HTTP/1.1\r\nX: ${"a".repeat(HEAD_BYTES_MAX)}\r\n\r\n`;
    const { record, rest } = packMessage(plain(HttpMessage.fromHeadText(head, bytes("b"))), 1);
    expect(record[8]).toBeNull();
    expect(Buffer.from(rest ?? []).toString("latin1")).toBe(`${head}b`);
  });
});

describe("what a receiver refuses", () => {
  it("ids that would break a line of text", () => {
    for (const id of ["", "a b", "a\nb", "a\tb", "\u0000", "x".repeat(257), "\u{1f435}"]) {
      expect(isToken(id)).toBe(false);
      const { record } = packMessage(plain(HttpMessage.fromRaw(bytes("x")), { id }), 1);
      expect(unpackRecords(packRecords([record]))).toMatch(/field 3 .* malformed/);
    }
  });

  it("kinds it does not know give no message", () => {
    const { record } = packMessage(plain(HttpMessage.fromRaw(bytes("x"))), 1);
    expect(
      messageOf([...record.slice(0, 2), 9, ...record.slice(3)] as unknown as MessageRecord),
    ).toBeUndefined();
  });

  it("a WELCOME without a minor version is of version 0", () => {
    expect(decodeWelcome(Buffer.from("930100ce00400000", "hex"))).toMatchObject({
      version: 1,
      minor: 0,
    });
  });
});
