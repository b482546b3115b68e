// No input of 64 KiB, however hostile, throws past the decoder or takes more than 3 MiB of memory.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkPayload } from "./check-payload.ts";
import { FrameDecoder, FrameType, encodeFrame } from "./frame.ts";
import { packRecords, unpackRecords } from "./record.ts";

const INPUT_BYTES = 64 * 1024;
/** Less than what a producer's own frame of body chunks of one byte costs is not to be had. */
const MEMORY_BYTES_MAX = 3 * 1024 * 1024;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** What a receiver does with a payload. */
function decode(payload: Uint8Array): unknown {
  const fault = checkPayload(payload);
  return fault ?? unpackRecords(payload);
}

function throughFrames(payload: Uint8Array): unknown {
  const decoder = new FrameDecoder();
  const frames = decoder.push(Buffer.concat(encodeFrame(FrameType.data, 1, payload)));
  return frames.map((frame) => decode(frame.payload));
}

function filled(opening: readonly number[], byte: number): Buffer {
  const bytes = Buffer.alloc(INPUT_BYTES, byte);
  bytes.set(opening);
  return bytes;
}

/** A list of as many such records as there is room for. */
function repeated(record: readonly number[]): Buffer {
  const times = Math.floor((INPUT_BYTES - 3) / record.length);
  const head = [0xdc, times >> 8, times & 0xff];
  return Buffer.from([...head, ...Array.from({ length: times }, () => record).flat()]);
}

const HOSTILE: Record<string, Buffer> = {
  "arrays nested without end": filled([], 0x91),
  "maps nested without end": filled([], 0x81),
  "an array of four thousand million": filled([0xdd, 0xff, 0xff, 0xff, 0xff], 0xc0),
  "a map of four thousand million": filled([0xdf, 0xff, 0xff, 0xff, 0xff], 0xc0),
  "a string of four thousand million bytes": filled([0x91, 0xdb, 0xff, 0xff, 0xff, 0xff], 0x61),
  "binary of four thousand million bytes": filled([0x91, 0xc6, 0xff, 0xff, 0xff, 0xff], 0x61),
  "empty arrays in an array": filled([0xdc, 0xff, 0xfd], 0x90),
  "empty maps in an array": filled([0xdc, 0xff, 0xfd], 0x80),
  "floats that make heap numbers": filled([0xdc, 0x1c, 0x70], 0xcb),
  extensions: filled([0xdc, 0xff, 0xfd], 0xd4),
  "msgpackr's records": filled([0xdc, 0x40, 0x00], 0xd4),
  timestamps: filled([0xdc, 0x2a, 0xa9], 0xd6),
  "an extension as large as the input": filled([0x91, 0xc8, 0xff, 0xf0, 0x72], 0x00),
  "many short strings": filled([0xdc, 0x7f, 0xfe], 0xa1),
  "empty byte strings in records": repeated([0x92, 0xc4, 0x00, 0xc4, 0x00]),
  "empty lists in records": repeated([0x93, 0x01, 0x90, 0x90]),
  "chunks of one byte": repeated([0x93, 0x06, 0x01, 0xc4, 0x01, 0x61]),
  "unused codes": filled([0x91], 0xc1),
  nothing: Buffer.alloc(0),
};

describe("hostile payloads", () => {
  it.each(Object.entries(HOSTILE))("%s: no throw, bounded memory", (_name, payload) => {
    throughFrames(payload); // compiled code and caches are not the input's
    collect();
    const before = process.memoryUsage();
    const result = throughFrames(payload);
    const after = process.memoryUsage();
    const taken = after.heapUsed + after.external - before.heapUsed - before.external;
    // The frame itself is built here, in two copies.
    expect(taken - 2 * INPUT_BYTES).toBeLessThan(MEMORY_BYTES_MAX);
    expect(result).toBeDefined();
  });

  it("random bytes neither throw nor become records that no producer sends", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (payload) => {
        const result = decode(payload);
        expect(typeof result === "string" || Array.isArray(result)).toBe(true);
      }),
    );
  });

  it("a real payload with one byte changed neither throws", () => {
    const payload = Buffer.from(
      packRecords([
        [
          1,
          1,
          1e15,
          2,
          3,
          4,
          "a:1",
          "GET",
          "/",
          "HTTP/1.1",
          ["Host", "x"],
          Buffer.from("b"),
          0,
          null,
          1e15,
          5,
          "HTTP/1.1 200 OK\r\n\r\n",
          null,
          0,
          null,
          null,
          null,
        ],
      ]),
    );
    for (let at = 0; at < payload.length; at += 1) {
      for (const value of [0x00, 0x7f, 0x90, 0xc0, 0xc1, 0xd4, 0xdd, 0xff]) {
        const changed = Buffer.from(payload);
        changed[at] = value;
        const result = decode(changed);
        expect(typeof result === "string" || Array.isArray(result)).toBe(true);
      }
    }
  });
});
