// The budget against real sessions: producers of all sizes of frames that come, send, pause, leave and never come back, over one
// pool. What is granted is never more than there is, and everything is sent in the end.
import { ConsumerSession, FRAME_HEADER_BYTES, FRAME_PAYLOAD_BYTES_MAX, ProducerSession } from "@mirrorball/protocol"; // prettier-ignore
import type { DataFrame } from "@mirrorball/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CreditPool } from "./credit-pool.ts";
import type { CreditHolder } from "./credit-pool.ts";

const FRAME_BYTES_MAX = FRAME_HEADER_BYTES + FRAME_PAYLOAD_BYTES_MAX;
const NONCE = Buffer.alloc(16, 2);
const join = (pieces: readonly Uint8Array[]): Buffer => Buffer.concat(pieces);

/** Both ends of a connection, and the frames that have come and are not taken yet. */
class Connection implements CreditHolder {
  readonly producer: ProducerSession;
  readonly consumer: ConsumerSession;
  readonly #pool: CreditPool;
  readonly #come: DataFrame[] = [];
  taken = 0;
  askedBytes = 0;
  #gone = false;

  constructor(pool: CreditPool, id: number) {
    this.#pool = pool;
    this.producer = new ProducerSession({ producerId: Buffer.alloc(16, id), service: "s", agent: "a" }); // prettier-ignore
    this.consumer = new ConsumerSession(
      {
        nonce: NONCE,
        resume: () => {
          pool.join(this);
          return undefined;
        },
        credit: {
          freed: (bytes) => pool.freed(this, bytes),
          wanted: (bytes) => pool.wants(this, bytes),
        },
      },
      0,
    );
    this.producer.connect(NONCE, 0);
    this.move();
  }

  granted(bytes: number, asked: boolean): void {
    this.consumer.grant(bytes);
    if (asked) this.askedBytes += bytes;
  }

  offer(bytes: number): void {
    this.producer.enqueue(Buffer.alloc(bytes), 1);
  }

  /** Up and down, until nothing moves. */
  move(): void {
    if (this.#gone) return;
    for (;;) {
      const up = join(this.producer.takeOutput());
      this.#come.push(...this.consumer.receive(up, 0));
      const down = join(this.consumer.takeOutput());
      if (up.length + down.length === 0) break;
      this.producer.receive(down, 0);
    }
    expect([this.consumer.failure, this.producer.failure]).toEqual([undefined, undefined]);
  }

  /** The pipeline takes so many of the frames that have come. */
  take(count: number): void {
    for (const { seq, payload } of this.#come.splice(0, count)) {
      this.consumer.accepted(seq, 1, payload.length);
      this.taken += 1;
    }
  }

  leave(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#pool.leave(this, this.consumer.receivedBytes);
  }
}

const frame = fc.oneof(
  fc.integer({ min: 1, max: 2000 }),
  fc.integer({ min: 1, max: 100_000 }),
  fc.integer({ min: 1, max: FRAME_PAYLOAD_BYTES_MAX }),
  fc.constant(FRAME_PAYLOAD_BYTES_MAX),
);
const producerIndex = fc.integer({ min: 0, max: 7 });
const step = fc.oneof(
  fc.record({ do: fc.constant("offer" as const), who: producerIndex, frames: fc.array(frame, { minLength: 1, maxLength: 8 }) }),
  fc.record({ do: fc.constant("take" as const), who: producerIndex, frames: fc.array(frame, { maxLength: 4 }) }),
  fc.record({ do: fc.constantFrom("move" as const, "leave" as const), who: producerIndex, frames: fc.constant([]) }),
); // prettier-ignore

describe("a budget of credit", () => {
  it("is never exceeded, and lets every producer come to its end", () => {
    const property = fc.property(
      fc.integer({ min: 2 * FRAME_BYTES_MAX, max: 8 * FRAME_BYTES_MAX }),
      fc.array(step, { maxLength: 60 }),
      (totalBytes, steps) => {
        const pool = new CreditPool({ totalBytes, holderBytesMax: 4 * 1024 * 1024 });
        const all: Connection[] = [];
        const present = new Map<number, Connection>();
        const of = (who: number): Connection => {
          const known = present.get(who) ?? new Connection(pool, all.length);
          if (!present.has(who)) all.push(known);
          present.set(who, known);
          return known;
        };
        const within = (): void => {
          expect(pool.grantedBytes).toBeLessThanOrEqual(totalBytes);
          expect(pool.grantedBytes).toBeGreaterThanOrEqual(0);
        };
        for (const { do: what, who, frames } of steps) {
          const one = of(who);
          if (what === "offer") for (const bytes of frames) one.offer(bytes);
          else if (what === "take") one.take(frames.length);
          else if (what === "move") one.move();
          else {
            one.leave();
            present.delete(who);
          }
          within();
        }
        // The pipeline goes on: all that has come is taken, also of those who have left.
        for (let round = 0; round < 500; round += 1) {
          for (const one of all) {
            one.move();
            one.take(2);
            within();
          }
          if ([...present.values()].every(({ producer }) => producer.unackedFrames === 0)) break;
        }
        for (const { producer } of present.values()) expect(producer.unackedFrames).toBe(0);
        for (const one of all) {
          one.take(Infinity);
          one.leave();
        }
        expect([pool.grantedBytes, pool.waiting]).toEqual([0, 0]);
      },
    );
    fc.assert(property, { numRuns: 150 });
  });

  it("is what one connection has for itself while there is plenty: a window, unasked", () => {
    const pool = new CreditPool({ totalBytes: 64 * 1024 * 1024, holderBytesMax: 4 * 1024 * 1024 });
    const one = new Connection(pool, 1);
    expect(pool.grantedBytes).toBe(4 * 1024 * 1024);
    for (let i = 0; i < 200; i += 1) {
      one.offer(60_000);
      one.move();
      one.take(1);
    }
    one.move();
    expect([one.taken, one.askedBytes]).toEqual([200, 0]);
  });

  it("is not spent by those who say nothing: the rest goes round among those who ask", () => {
    const totalBytes = 4 * FRAME_BYTES_MAX;
    const pool = new CreditPool({ totalBytes, holderBytesMax: 4 * 1024 * 1024 });
    const idle = Array.from({ length: 50 }, (_, i) => new Connection(pool, i));
    expect(pool.grantedBytes).toBe(totalBytes / 2);
    expect(idle.filter(({ askedBytes }) => askedBytes > 0)).toEqual([]);
    const busy = Array.from({ length: 5 }, (_, i) => new Connection(pool, 100 + i));
    for (const one of busy) {
      for (let i = 0; i < 300; i += 1) one.offer(200_000);
    }
    // While all of them have something left, each has had as much as the others, to a few turns of ten frames.
    for (let round = 0; busy.every(({ taken }) => taken < 280); round += 1) {
      for (const one of busy) {
        one.move();
        one.take(Infinity);
      }
      const taken = busy.map((one) => one.taken);
      expect(Math.max(...taken) - Math.min(...taken)).toBeLessThanOrEqual(25);
      expect(round).toBeLessThan(1000);
    }
  });

  it("serves the first in the queue before those behind it, however little they want", () => {
    const pool = new CreditPool({
      totalBytes: 2 * FRAME_BYTES_MAX,
      holderBytesMax: FRAME_BYTES_MAX,
    });
    const granted: string[] = [];
    const [idle, a, b, c] = ["idle", "a", "b", "c"].map((name): CreditHolder => ({
      granted: (bytes, asked) => granted.push(`${name} ${bytes}${asked ? " asked" : ""}`),
    }));
    if (idle === undefined || a === undefined || b === undefined || c === undefined) return;
    for (const each of [idle, a, b, c]) pool.join(each);
    const more = [FRAME_BYTES_MAX, FRAME_BYTES_MAX + 10];
    pool.wants(a, more);
    pool.wants(a, more);
    expect(granted.splice(0)).toEqual([`idle ${FRAME_BYTES_MAX}`, `a ${FRAME_BYTES_MAX} asked`]);
    pool.wants(b, [100]);
    pool.wants(c, [10]);
    expect([granted, pool.waiting]).toEqual([[], 3]);
    // `a` has as much as one may have: those behind it pass by. What is free is enough for `c`, but `b` was there before.
    pool.freed(a, 50);
    expect(granted.splice(0)).toEqual(["a 10 asked"]);
    pool.freed(a, 40);
    expect(granted.splice(0)).toEqual([]);
    pool.freed(a, 40);
    expect(granted.splice(0)).toEqual(["b 100 asked", "c 10 asked"]);
    pool.leave(idle, 0);
    pool.leave(b, 100);
    pool.leave(c, 10);
    pool.leave(a, FRAME_BYTES_MAX + 10);
    expect(pool.grantedBytes).toBe(110 + FRAME_BYTES_MAX + 10 - 130);
    pool.freed(b, 100);
    pool.freed(b, 100);
    pool.freed(c, 10);
    pool.freed(a, FRAME_BYTES_MAX + 10 - 130);
    expect([pool.grantedBytes, pool.waiting]).toEqual([0, 0]);
  });
});
