import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameDecoder, FrameFault, FrameType, encodeFrame } from "./frame.ts";
import { FRAME_HEADER_BYTES } from "../limits.ts";
import type { Frame } from "./frame.ts";
import { CONTROL_PAYLOAD_BYTES_MAX, FRAME_PAYLOAD_BYTES_MAX } from "../limits.ts";

const anyFrame = fc.record({
  type: fc.constantFrom(...Object.values(FrameType)),
  seq: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  payload: fc.uint8Array({ maxLength: 6000 }),
});

const bytesOf = (frames: readonly Frame[]): Buffer =>
  Buffer.concat(frames.flatMap(({ type, seq, payload }) => encodeFrame(type, seq, payload)));

const plain = (frames: readonly Frame[]): unknown[] =>
  frames.map(({ type, seq, payload }) => ({
    type,
    seq,
    payload: Buffer.from(payload).toString("hex"),
  }));

describe("FrameDecoder", () => {
  it("gives the same frames for any split of the stream", () => {
    fc.assert(
      fc.property(
        fc.array(anyFrame, { maxLength: 6 }),
        fc.array(fc.nat(20_000)),
        (frames, cuts) => {
          const bytes = bytesOf(frames);
          const decoder = new FrameDecoder();
          const seen: Frame[] = [];
          let at = 0;
          for (const cut of [...cuts.map((c) => c % (bytes.length + 1)), bytes.length].toSorted(
            (a, b) => a - b,
          )) {
            seen.push(...decoder.push(Buffer.from(bytes.subarray(at, cut))));
            at = cut;
          }
          expect(plain(seen)).toEqual(plain(frames));
          expect(decoder.fault).toBeUndefined();
          expect(decoder.heldBytes).toBe(0);
        },
      ),
    );
  });

  it("takes a stream byte by byte, and holds what trails", () => {
    const frames = [
      { type: FrameType.data, seq: 1, payload: Buffer.from("one") },
      { type: FrameType.ping, seq: 0, payload: Buffer.alloc(0) },
    ];
    const decoder = new FrameDecoder();
    const seen: Frame[] = [];
    for (const byte of Buffer.concat([bytesOf(frames), Buffer.from("MB")]))
      seen.push(...decoder.push(Buffer.of(byte)));
    expect(plain(seen)).toEqual(plain(frames));
    expect(decoder.heldBytes).toBe(2);
  });

  it("finds any flipped bit", () => {
    fc.assert(
      fc.property(anyFrame, fc.nat(), fc.integer({ min: 0, max: 7 }), (frame, place, bit) => {
        const bytes = bytesOf([frame]);
        const at = place % bytes.length;
        bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
        const decoder = new FrameDecoder();
        expect(decoder.push(bytes)).toEqual([]);
        expect(decoder.fault).toBeDefined();
      }),
    );
  });

  it("finds a flip in every byte of the header", () => {
    const [header, payload] = encodeFrame(FrameType.data, 5, Buffer.from("x"));
    for (let at = 0; at < FRAME_HEADER_BYTES; at += 1) {
      const bytes = Buffer.concat([header, payload]);
      bytes[at] = (bytes[at] ?? 0) ^ 0x10;
      const decoder = new FrameDecoder();
      expect(decoder.push(bytes)).toEqual([]);
      expect(decoder.fault).toBe(
        at < 2
          ? FrameFault.foreign
          : at === 2
            ? FrameFault.version
            : at < 20
              ? FrameFault.header
              : FrameFault.payload,
      );
    }
  });

  it.each([
    ["HTTP", "GET / HTTP/1.1\r\n"],
    ["TLS", "\u0016\u0003\u0001"],
    ["a lone first byte of ours and then another", "MX"],
  ])("tells %s by its first bytes", (_name, text) => {
    const decoder = new FrameDecoder();
    decoder.push(Buffer.from(text, "latin1"));
    expect(decoder.fault).toBe(FrameFault.foreign);
    expect(
      decoder.push(bytesOf([{ type: FrameType.ping, seq: 0, payload: Buffer.alloc(0) }])),
    ).toEqual([]);
  });

  it("refuses a length above the limit before it holds a byte of it", () => {
    const [header] = encodeFrame(FrameType.data, 1, Buffer.alloc(FRAME_PAYLOAD_BYTES_MAX));
    expect(new FrameDecoder().push(header)).toEqual([]);
    expect(() => encodeFrame(FrameType.data, 1, Buffer.alloc(FRAME_PAYLOAD_BYTES_MAX + 1))).toThrow(
      /at most 1048576 bytes; got 1048577/,
    );
  });

  it("lets only DATA be long, which credit bounds", () => {
    for (const type of Object.values(FrameType)) {
      const isData = type === FrameType.data;
      for (const [more, fault] of [
        [0, undefined],
        [1, isData ? undefined : FrameFault.length],
      ]) {
        const payload = Buffer.alloc(CONTROL_PAYLOAD_BYTES_MAX + Number(more));
        const decoder = new FrameDecoder();
        decoder.push(encodeFrame(type, 0, payload)[0]);
        expect([type, more, decoder.fault]).toEqual([type, more, fault]);
      }
    }
  });

  it("tells what an unfinished frame will be, from its header on", () => {
    const decoder = new FrameDecoder();
    const bytes = bytesOf([{ type: FrameType.data, seq: 1, payload: Buffer.alloc(10) }]);
    const announced = { type: FrameType.data, bytes: FRAME_HEADER_BYTES + 10 };
    for (const [i, byte] of bytes.entries()) {
      decoder.push(Uint8Array.of(byte));
      const isUnfinished = i + 1 >= FRAME_HEADER_BYTES && i + 1 < bytes.length;
      expect([i, decoder.announced]).toEqual([i, isUnfinished ? announced : undefined]);
    }
  });
});
