// Bytes of a message: what went in comes out, in memory of its own, whatever was announced; and the books return to zero.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MessageBytes } from "./message-bytes.ts";
import { StreamTally } from "./stream-limits.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** The reader's buffer, overwritten after every call. */
function addAll(bytes: MessageBytes, pieces: readonly Uint8Array[]): void {
  for (const piece of pieces) {
    const chunk = Buffer.concat([Buffer.from("xx"), piece, Buffer.from("yy")]);
    bytes.add(chunk, 2, 2 + piece.length);
    chunk.fill(0);
  }
}

describe("bytes of a message", () => {
  it("come out as they went in, announced rightly, wrongly or not at all", () => {
    const piece = fc.uint8Array({ maxLength: 6000 });
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 6 }),
        fc.array(piece, { maxLength: 6 }),
        fc.integer({ min: -3000, max: 3000 }),
        fc.boolean(),
        (head, body, wrongBy, looks) => {
          const tally = new StreamTally();
          const bytes = new MessageBytes(tally);
          const all = Buffer.concat([...head, ...body]);
          for (let round = 0; round < 2; round += 1) {
            addAll(bytes, head);
            if (looks) expect(Buffer.from(bytes.flat()).equals(Buffer.concat(head))).toBe(true);
            bytes.expect(Math.max(0, Buffer.concat(body).length + wrongBy * round));
            addAll(bytes, body);
            expect(bytes.length).toBe(all.length);
            expect(tally.heldBytes).toBe(all.length);
            const whole = bytes.take();
            expect(Buffer.from(whole).equals(all)).toBe(true);
            expect([bytes.length, tally.heldBytes, tally.reservedBytes]).toEqual([0, 0, 0]);
          }
        },
      ),
    );
  });

  it("of an announced length lie in memory of just that size", () => {
    const bytes = new MessageBytes(new StreamTally());
    addAll(bytes, [Buffer.alloc(100, 1)]);
    bytes.expect(200 * KIB);
    addAll(bytes, [Buffer.alloc(150 * KIB, 2), Buffer.alloc(50 * KIB, 3)]);
    const whole = bytes.take();
    expect(whole.buffer.byteLength).toBe(100 + 200 * KIB);
  });

  it("that are announced and do not come cost no memory beyond a bound", () => {
    const tally = new StreamTally();
    const all = Array.from({ length: 1000 }, () => new MessageBytes(tally));
    for (const bytes of all) {
      bytes.expect(MIB);
      expect(tally.reservedBytes).toBeLessThanOrEqual(64 * MIB);
    }
    expect(tally.reservedBytes).toBe(64 * MIB);
    const [first, second] = all;
    const alone = new MessageBytes(tally);
    alone.expect(2 ** 40);
    first?.clear();
    expect(tally.reservedBytes).toBe(63 * MIB);
    // Who was refused is served all the same.
    const last = all.at(-1);
    if (last !== undefined) addAll(last, [Buffer.alloc(10_000, 7), Buffer.alloc(10, 8)]);
    expect(last?.take().length).toBe(10_010);
    second?.take();
    expect(tally.reservedBytes).toBe(62 * MIB);
  });
});
