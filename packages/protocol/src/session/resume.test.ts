// A producer that keeps its id and is killed: what it knows then is what was written down before. Against a receiver with a slow
// disk, over a transport that breaks, each message must be stored once.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConsumerSession } from "./consumer.ts";
import { HANDSHAKE_MS_MAX } from "../limits.ts";
import { ProducerSession } from "./producer.ts";
import type { EarlierFrames } from "./producer.ts";

const ID = Buffer.alloc(16, 1);
const NONCE = Buffer.alloc(16, 2);
const join = (pieces: readonly Uint8Array[]): Buffer => Buffer.concat(pieces);

function producer(resume: EarlierFrames, epoch = 1): ProducerSession {
  return new ProducerSession({ producerId: ID, epoch, service: "s", agent: "a", resume });
}

describe("a producer that goes on with its numbers", () => {
  it("takes the receiver's word for what is there", () => {
    const p = producer({ firstUnackedSeq: 11, lastSeq: 15 }, 3);
    const c = new ConsumerSession({ nonce: NONCE, resume: () => 12 }, 0);
    p.connect(NONCE, 0);
    c.receive(join(p.takeOutput()), 0);
    expect(c.hello).toMatchObject({ epoch: 3, firstUnackedSeq: 11 });
    p.receive(join(c.takeOutput()), 0);
    expect([p.state, p.resumedSeq, p.ackedSeq, p.ackedWeight]).toEqual(["open", 12, 12, 0]);
    p.enqueue(Buffer.from([1]), 1);
    const [frame] = c.receive(join(p.takeOutput()), 0);
    expect(frame?.seq).toBe(13);
  });

  it("is told nothing new by a receiver that has forgotten it", () => {
    const p = producer({ firstUnackedSeq: 11, lastSeq: 15 });
    const c = new ConsumerSession({ nonce: NONCE, resume: () => undefined }, 0);
    p.connect(NONCE, 0);
    c.receive(join(p.takeOutput()), 0);
    p.receive(join(c.takeOutput()), 0);
    expect([p.state, p.resumedSeq]).toEqual(["open", 10]);
  });

  it("refuses a receiver that has more than was ever made", () => {
    const p = producer({ firstUnackedSeq: 11, lastSeq: 15 });
    const c = new ConsumerSession({ nonce: NONCE, resume: () => 16 }, 0);
    p.connect(NONCE, 0);
    c.receive(join(p.takeOutput()), 0);
    p.receive(join(c.takeOutput()), 0);
    expect(p.failure?.code).toBe("ack-ahead");
    expect([p.state, p.resumedSeq]).toEqual(["handshake", undefined]);
  });

  it("waits for an answer that comes later, and may not say hello twice meanwhile", () => {
    const p = producer({ firstUnackedSeq: 1, lastSeq: 5 });
    const c = new ConsumerSession({ nonce: NONCE, resume: () => "later" }, 0);
    p.connect(NONCE, 0);
    const hello = join(p.takeOutput());
    c.receive(hello, 0);
    c.tick(HANDSHAKE_MS_MAX * 2);
    expect([c.failure, c.state, c.takeOutput()]).toEqual([undefined, "handshake", []]);
    c.welcome(4);
    c.welcome(5);
    p.receive(join(c.takeOutput()), 0);
    expect([p.state, p.resumedSeq, c.hello?.epoch]).toEqual(["open", 4, 1]);
    const twice = new ConsumerSession({ nonce: NONCE, resume: () => "later" }, 0);
    twice.receive(Buffer.concat([hello, hello]), 0);
    expect(twice.failure?.code).toBe("control");
    twice.welcome(1);
    expect(twice.state).toBe("handshake");
  });
});

/** What survives a kill of the producer: the frames it wrote down, and which messages are in them. */
interface Disk {
  firstUnackedSeq: number;
  lastSeq: number;
  readonly frames: Map<number, number>;
  readonly settled: Set<number>;
}

/** One message a frame; a message is its number. */
class Chain {
  readonly stored: number[] = [];
  readonly disk: Disk = { firstUnackedSeq: 1, lastSeq: 0, frames: new Map(), settled: new Set() };
  readonly #messages: number;
  readonly #certain: boolean;
  /** Taken by the receiver, on their way to its disk. */
  #pending: { seq: number; message: number }[] = [];
  #storedSeq = 0;
  #producer: ProducerSession;
  #consumer: ConsumerSession | undefined;
  #awaited = false;
  #resolved = false;
  #todo: number[] = [];
  #epoch = 0;

  /** `certain`: the receiver waits for its disk before it says which frames it has. */
  constructor(messages: number, certain: boolean) {
    this.#messages = messages;
    this.#certain = certain;
    this.#producer = this.#start();
  }

  get done(): boolean {
    return this.disk.settled.size === this.#messages;
  }

  kill(): void {
    this.#consumer = undefined;
    this.#producer = this.#start();
  }

  cut(): void {
    this.#consumer = undefined;
    this.#producer.disconnect();
  }

  /** The receiver is killed: what was not on its disk is gone. */
  crash(): void {
    this.#pending = [];
    this.cut();
  }

  flush(count: number): void {
    for (const { seq, message } of this.#pending.splice(0, count)) {
      this.stored.push(message);
      this.#storedSeq = seq;
      if (!this.#awaited) this.#consumer?.accepted(seq, 1, 1);
    }
    if (!this.#awaited || this.#pending.length > 0) return;
    this.#awaited = false;
    this.#consumer?.welcome(this.#storedSeq);
  }

  send(count: number): void {
    if (!this.#resolved || this.#producer.state !== "open") return;
    for (const message of this.#todo.splice(0, count)) {
      this.disk.lastSeq += 1;
      this.disk.frames.set(this.disk.lastSeq, message);
      this.#producer.enqueue(Buffer.from([message]), 1);
    }
  }

  /** Bytes go up, and come down if `back`. */
  move(back: boolean): void {
    const consumer = this.#connected();
    for (const { seq, payload } of consumer.receive(join(this.#producer.takeOutput()), 0)) {
      this.#pending.push({ seq, message: payload[0] ?? 0 });
    }
    if (!back) return;
    this.#producer.receive(join(consumer.takeOutput()), 0);
    expect(this.#producer.failure).toBeUndefined();
    this.#learn();
  }

  #start(): ProducerSession {
    this.#epoch += 1;
    this.#resolved = false;
    const { firstUnackedSeq, lastSeq } = this.disk;
    return producer({ firstUnackedSeq, lastSeq }, this.#epoch);
  }

  #connected(): ConsumerSession {
    if (this.#consumer !== undefined) return this.#consumer;
    this.#awaited = false;
    const resume = (): number | "later" => {
      this.#awaited = this.#certain && this.#pending.length > 0;
      return this.#awaited ? "later" : this.#storedSeq;
    };
    this.#consumer = new ConsumerSession({ nonce: NONCE, resume }, 0);
    this.#producer.connect(NONCE, 0);
    return this.#consumer;
  }

  #learn(): void {
    const { disk } = this;
    const { resumedSeq, ackedSeq } = this.#producer;
    if (resumedSeq !== undefined && !this.#resolved) {
      this.#resolved = true;
      for (const seq of disk.frames.keys()) if (seq > resumedSeq) disk.frames.delete(seq);
      disk.lastSeq = resumedSeq;
      const had = new Set(disk.frames.values());
      for (const message of had) disk.settled.add(message);
      const all = Array.from({ length: this.#messages }, (_, i) => i + 1);
      this.#todo = all.filter((message) => !disk.settled.has(message));
    }
    if (!this.#resolved) return;
    for (const [seq, message] of disk.frames) if (seq <= ackedSeq) disk.settled.add(message);
    disk.firstUnackedSeq = ackedSeq + 1;
  }
}

const step = fc.oneof(
  fc.record({ kind: fc.constantFrom("send" as const, "flush" as const), count: fc.integer({ min: 1, max: 6 }) }),
  fc.record({ kind: fc.constantFrom("kill" as const, "cut" as const, "crash" as const, "up" as const, "both" as const), count: fc.constant(0) }),
); // prettier-ignore

const MESSAGES = 20;
const ALL = Array.from({ length: MESSAGES }, (_, i) => i + 1);

function storedOnce(certain: boolean): fc.IProperty<unknown> {
  return fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
    const chain = new Chain(MESSAGES, certain);
    for (const { kind, count } of steps) {
      if (kind === "send") chain.send(count);
      else if (kind === "flush") chain.flush(count);
      else if (kind === "up") chain.move(false);
      else if (kind === "both") chain.move(true);
      else chain[kind]();
    }
    for (let i = 0; i < 20 && !chain.done; i += 1) {
      chain.move(true);
      chain.send(MESSAGES);
      chain.move(true);
      chain.flush(MESSAGES);
      chain.move(true);
    }
    expect(chain.stored).toEqual(ALL);
  });
}

describe("kills of either side at any moment", () => {
  it("store every message once, in order", () => {
    fc.assert(storedOnce(true), { numRuns: 2000 });
  });

  it("would not, if the receiver answered before its disk did", () => {
    expect(fc.check(storedOnce(false), { numRuns: 2000, endOnFailure: true }).failed).toBe(true);
  });
});
