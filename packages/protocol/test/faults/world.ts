// A world in one thread: a producer, a network, a server with a disk, and a clock, all driven by one seeded generator. The two
// sessions are the real ones; everything else is a model that can break where real things break. After every step it checks
// what must always hold, and throws a `Violation` when it does not.
import { ConsumerSession } from "../../src/session/consumer.ts";
import type { DataFrame } from "../../src/session/consumer-options.ts";
import { FrameFault } from "../../src/wire/frame.ts";
import { ProducerSession } from "../../src/session/producer.ts";

export class Violation extends Error {}

/** A server that does it wrong, to show that the simulator would find it. */
export type Mutant =
  | "acks-before-flush"
  | "forgets-what-waits"
  | "no-heartbeat"
  | "loses-resume"
  | "keeps-credit";

/** What happened, over all worlds that share it. */
export interface Happened {
  offered: number;
  cuts: number;
  torn: number;
  crashes: number;
  /** Frames that a crash took before they were on disk. */
  lostUnacked: number;
  stalls: number;
  holes: number;
  flips: number;
  flipsFound: number;
  deadFound: number;
  duplicates: number;
  resent: number;
}

export function nothingHappened(): Happened {
  return {
    offered: 0,
    cuts: 0,
    torn: 0,
    crashes: 0,
    lostUnacked: 0,
    stalls: 0,
    holes: 0,
    flips: 0,
    flipsFound: 0,
    deadFound: 0,
    duplicates: 0,
    resent: 0,
  };
}

interface Link {
  readonly consumer: ConsumerSession;
  toServer: Buffer;
  toProducer: Buffer;
  clientOpen: boolean;
  serverOpen: boolean;
  /** Swallows what is sent, and tells nobody. */
  hole: boolean;
  stalledUntilMs: number;
}

interface Waiter {
  readonly link: Link;
  readonly seq: number;
  readonly bytes: number;
}

const PRODUCER_ID = Buffer.alloc(16, 1);
const NONCE = Buffer.alloc(16, 2);
const EMPTY: Buffer = Buffer.alloc(0);
const STEPS_MAX = 60;
const FRAMES_MAX = 60;
/** After the faults end, everything must be acknowledged within this: a heartbeat's bound, a handshake, a retry. */
const HEAL_MS_MAX = 45_000;
const ALLOWED_FAILURES: ReadonlySet<string> = new Set([
  "dead",
  "handshake-timeout",
  ...Object.values(FrameFault),
]);

export class World {
  readonly #random: () => number;
  readonly #happened: Happened;
  readonly #mutant: Mutant | undefined;
  readonly #producer: ProducerSession;
  readonly #token: string | undefined;
  readonly #windowBytes: number;
  readonly #durable: boolean;
  readonly #weights: readonly number[];
  #nowMs = 0;
  #retryAtMs = 0;
  #serverUpAtMs = 0;
  #link: Link | undefined;
  #links: Link[] = [];
  #offered = 0;
  /** On disk: frames 1 to this. */
  #stored = 0;
  /** Taken by the server and not on disk: what a crash takes. */
  #pending: number[] = [];
  #waiters: Waiter[] = [];

  constructor(seed: number, happened: Happened, mutant?: Mutant) {
    this.#random = generator(seed);
    this.#happened = happened;
    this.#mutant = mutant;
    this.#token = this.#chance(0.1) ? "secret" : undefined;
    this.#windowBytes = 400 + this.#upTo(4000);
    this.#durable = this.#chance(0.75);
    this.#producer = new ProducerSession({
      producerId: PRODUCER_ID,
      service: "s",
      agent: "a",
      token: this.#token,
    });
    // A swarm: each world has its own taste for each kind of step, and none at all for some.
    this.#weights = STEPS.map(({ fault }) =>
      fault && this.#chance(0.4) ? 0 : this.#random() * (fault ? 0.3 : 1),
    );
  }

  /** Lives through the faults, heals, and ends with everything acknowledged. */
  run(): void {
    const steps = 10 + this.#upTo(STEPS_MAX);
    for (let i = 0; i < steps; i += 1) {
      this.#connectIfDue();
      this.#pick()(this);
      this.#settle();
    }
    this.#heal();
    this.#happened.resent += this.#producer.resentFrames;
    this.#happened.offered += this.#offered;
  }

  // The steps.

  offer(): void {
    if (this.#offered >= FRAMES_MAX) return;
    for (let i = this.#upTo(6); i >= 0; i -= 1) {
      this.#offered += 1;
      this.#producer.enqueue(payloadOf(this.#offered, this.#upTo(200)), 1);
    }
  }

  moveUp(): void {
    const link = this.#some();
    if (link !== undefined) this.#moveUp(link, this.#share(link.toServer));
  }

  moveDown(): void {
    const link = this.#link;
    if (link !== undefined) this.#moveDown(link, this.#share(link.toProducer));
  }

  wait(): void {
    this.#nowMs += this.#chance(0.1) ? this.#upTo(20_000) : this.#upTo(400);
    this.#tick();
  }

  flush(): void {
    this.#flush(1 + this.#upTo(this.#pending.length));
  }

  cut(): void {
    const link = this.#link;
    if (link === undefined) return;
    this.#happened.cuts += 1;
    if (link.toServer.length > 0) this.#happened.torn += 1;
    if (this.#chance(0.7)) this.#closeClient(link);
    // What was on its way may still arrive, or not.
    if (this.#chance(0.5)) this.#closeServer(link);
  }

  hole(): void {
    if (this.#link === undefined) return;
    this.#happened.holes += 1;
    this.#link.hole = true;
  }

  stall(): void {
    if (this.#link === undefined) return;
    this.#happened.stalls += 1;
    this.#link.stalledUntilMs = this.#nowMs + this.#upTo(10_000);
  }

  flip(): void {
    const link = this.#link;
    if (link === undefined) return;
    const pipe = this.#chance(0.5) ? link.toServer : link.toProducer;
    if (pipe.length === 0) return;
    const at = this.#upTo(pipe.length - 1);
    pipe[at] = (pipe[at] ?? 0) ^ (1 << this.#upTo(7));
    this.#happened.flips += 1;
  }

  crash(): void {
    if (!this.#durable) return;
    this.#happened.crashes += 1;
    this.#happened.lostUnacked += this.#pending.length;
    this.#pending = [];
    for (const link of this.#links) {
      this.#closeServer(link);
      // A producer may hear of it at once, or find out by itself.
      if (link.clientOpen && this.#chance(0.7)) this.#closeClient(link);
    }
    this.#serverUpAtMs = this.#nowMs + this.#upTo(2000);
  }

  // The network.

  #connectIfDue(): void {
    if (this.#link !== undefined || this.#nowMs < this.#retryAtMs) return;
    if (this.#nowMs < this.#serverUpAtMs) return;
    const link: Link = {
      consumer: new ConsumerSession(
        {
          token: this.#token,
          nonce: NONCE,
          windowBytes: this.#windowBytes,
          resume: () => this.#resume(link),
        },
        this.#nowMs,
      ),
      toServer: EMPTY,
      toProducer: EMPTY,
      clientOpen: true,
      serverOpen: true,
      hole: false,
      stalledUntilMs: 0,
    };
    this.#link = link;
    this.#links.push(link);
    this.#producer.connect(NONCE, this.#nowMs);
  }

  /** Any live link: an old one may still bring what was under way. */
  #some(): Link | undefined {
    return this.#links.length === 0 ? undefined : this.#links[this.#upTo(this.#links.length - 1)];
  }

  #moveUp(link: Link, bytes: number): void {
    if (bytes === 0 || !link.serverOpen || this.#nowMs < link.stalledUntilMs) return;
    const chunk = link.toServer.subarray(0, bytes);
    link.toServer = link.toServer.subarray(bytes);
    this.#take(link, link.consumer.receive(chunk, this.#nowMs));
  }

  #moveDown(link: Link, bytes: number): void {
    if (bytes === 0 || !link.clientOpen || this.#nowMs < link.stalledUntilMs) return;
    const chunk = link.toProducer.subarray(0, bytes);
    link.toProducer = link.toProducer.subarray(bytes);
    this.#producer.receive(chunk, this.#nowMs);
  }

  #closeClient(link: Link): void {
    if (!link.clientOpen) return;
    link.clientOpen = false;
    if (link !== this.#link) return;
    this.#link = undefined;
    this.#producer.disconnect();
    this.#retryAtMs = this.#nowMs + this.#upTo(300);
  }

  #closeServer(link: Link): void {
    link.serverOpen = false;
    this.#links = this.#links.filter((one) => one !== link);
    this.#waiters = this.#waiters.filter((waiter) => waiter.link !== link);
  }

  // The server.

  #resume(link: Link): number | undefined {
    for (const older of this.#links) if (older !== link) this.#closeServer(older);
    if (this.#mutant === "loses-resume") return 0;
    if (this.#mutant === "forgets-what-waits") return this.#stored;
    return this.#stored === 0 ? undefined : this.#stored;
  }

  get #taken(): number {
    return this.#stored + this.#pending.length;
  }

  #take(link: Link, frames: readonly DataFrame[]): void {
    for (const { seq, payload } of frames) {
      const id = idOf(payload);
      if (id !== seq) throw new Violation(`frame ${seq} holds ${id}: damaged or out of order`);
      if (seq <= this.#taken && this.#mutant === undefined) {
        this.#happened.duplicates += 1;
      } else {
        this.#pending.push(id);
      }
      this.#waiters.push({ link, seq, bytes: payload.length });
      if (this.#mutant === "acks-before-flush") link.consumer.accepted(seq, 1, payload.length);
    }
    if (!this.#durable) this.#flush(this.#pending.length);
    else if (this.#waiters.length > 0) this.#answer();
  }

  /** The first `count` of what waits is on disk, and handed on. */
  #flush(count: number): void {
    for (const id of this.#pending.splice(0, count)) {
      if (id !== this.#stored + 1) {
        throw new Violation(`${id} was handed on after ${this.#stored}`);
      }
      this.#stored = id;
    }
    this.#answer();
  }

  #answer(): void {
    if (this.#mutant === "acks-before-flush") return;
    this.#waiters = this.#waiters.filter(({ link, seq, bytes }) => {
      if (seq > this.#stored) return true;
      if (this.#mutant === "keeps-credit") link.consumer.accepted(seq, 0, 0);
      else link.consumer.accepted(seq, 1, bytes);
      return false;
    });
  }

  #tick(): void {
    if (this.#mutant === "no-heartbeat") return;
    this.#producer.tick(this.#nowMs);
    for (const { consumer } of this.#links) consumer.tick(this.#nowMs);
  }

  // What holds after every step.

  #settle(): void {
    this.#write();
    for (const link of this.#links) {
      const { failure } = link.consumer;
      if (failure === undefined) continue;
      this.#judge("server", failure.code);
      this.#closeServer(link);
      if (link.clientOpen && !link.hole) this.#closeClient(link);
    }
    const { failure } = this.#producer;
    if (failure !== undefined && this.#link !== undefined) {
      this.#judge("producer", failure.code);
      const link = this.#link;
      this.#closeClient(link);
      if (!link.hole && this.#chance(0.5)) this.#closeServer(link);
    }
    const { ackedWeight, unackedFrames } = this.#producer;
    if (ackedWeight > this.#stored) {
      throw new Violation(`${ackedWeight} acknowledged, ${this.#stored} on disk`);
    }
    if (ackedWeight + unackedFrames !== this.#offered) {
      throw new Violation(`${this.#offered} offered, ${ackedWeight} + ${unackedFrames} found`);
    }
  }

  #write(): void {
    const link = this.#link;
    const up = this.#producer.takeOutput();
    if (link !== undefined && up.length > 0 && !link.hole) {
      link.toServer = Buffer.concat([link.toServer, ...up]);
    }
    for (const one of this.#links) {
      const down = one.consumer.takeOutput();
      if (down.length > 0 && !one.hole) one.toProducer = Buffer.concat([one.toProducer, ...down]);
    }
  }

  #judge(side: string, code: string): void {
    if (!ALLOWED_FAILURES.has(code)) throw new Violation(`the ${side} failed with ${code}`);
    if (code === "dead") this.#happened.deadFound += 1;
    else if (code !== "handshake-timeout") this.#happened.flipsFound += 1;
  }

  #heal(): void {
    const endsAtMs = this.#nowMs + HEAL_MS_MAX;
    for (const link of this.#links) link.stalledUntilMs = 0;
    this.#serverUpAtMs = 0;
    while (this.#producer.unackedFrames > 0) {
      if (this.#nowMs > endsAtMs) {
        throw new Violation(`${this.#producer.unackedFrames} frames are stuck`);
      }
      this.#connectIfDue();
      this.#settle();
      for (const link of this.#links) this.#moveUp(link, link.toServer.length);
      this.#flush(this.#pending.length);
      this.#settle();
      if (this.#link !== undefined) this.#moveDown(this.#link, this.#link.toProducer.length);
      this.#nowMs += 250;
      this.#tick();
      this.#settle();
    }
    if (this.#stored !== this.#offered) {
      throw new Violation(`${this.#offered} offered, ${this.#stored} on disk at the end`);
    }
  }

  // Chance.

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }

  /** A whole number from 0 to `most`. */
  #upTo(most: number): number {
    return Math.floor(this.#random() * (most + 1));
  }

  #share(pipe: Buffer): number {
    return this.#chance(0.4) ? pipe.length : this.#upTo(pipe.length);
  }

  #pick(): (world: World) => void {
    let rest = this.#random() * this.#weights.reduce((sum, weight) => sum + weight, 0);
    for (const [i, weight] of this.#weights.entries()) {
      rest -= weight;
      if (rest < 0) return STEPS[i]?.step ?? ((world) => world.wait());
    }
    return (world) => world.wait();
  }
}

const STEPS: readonly { readonly step: (world: World) => void; readonly fault: boolean }[] = [
  { step: (world) => world.offer(), fault: false },
  { step: (world) => world.moveUp(), fault: false },
  { step: (world) => world.moveDown(), fault: false },
  { step: (world) => world.wait(), fault: false },
  { step: (world) => world.flush(), fault: false },
  { step: (world) => world.cut(), fault: true },
  { step: (world) => world.hole(), fault: true },
  { step: (world) => world.stall(), fault: true },
  { step: (world) => world.flip(), fault: true },
  { step: (world) => world.crash(), fault: true },
];

/** The id, then bytes that follow from it, so that any damage shows. */
function payloadOf(id: number, filler: number): Buffer {
  const payload = Buffer.alloc(4 + filler, id & 0xff);
  payload.writeUInt32BE(id);
  return payload;
}

function idOf(payload: Uint8Array): number {
  const buffer = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
  const id = buffer.readUInt32BE();
  for (let i = 4; i < buffer.length; i += 1) if (buffer[i] !== (id & 0xff)) return -1;
  return id;
}

/** mulberry32: small, fast, and the same everywhere. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
