// What stands outside the faults: a producer that knows what was offered and acknowledged, and a target that knows what
// arrived, how often. The processes between them are what the tests break.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { Server } from "node:http";
import { connect } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { ConnectionOptions } from "node:tls";
import { ProducerSession, RecordType, packRecords } from "@mirrorball/protocol";
import type { ExchangeRecord } from "@mirrorball/protocol";

/** True in the long set: `npm run torture`. */
export const LONG: boolean = process.env["MIRRORBALL_TORTURE"] === "1";

/** Exchanges of one frame. */
const FRAME_EXCHANGES = 20;
/** Frames that may wait for their acknowledgement; a producer has a bound too. */
const UNACKED_FRAMES_MAX = 2000;
const RECONNECT_MS = 20;
const PUMP_MS = 5;
const TICK_MS = 1000;

export function isUnsafe(id: number): boolean {
  return id % 3 === 0;
}

/** One exchange of about 1 KB; every third one has side effects. */
function exchange(id: number): ExchangeRecord {
  const unsafe = isUnsafe(id);
  const body = unsafe ? Buffer.alloc(400, 0x61) : null;
  const headers = ["Host", "shop.test", "X-Id", String(id), "Cookie", `sid=${"x".repeat(200)}`];
  if (body !== null) headers.push("Content-Length", String(body.length));
  const answer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 300\r\n\r\n";
  return [
    RecordType.exchange, id, 1.7e15 + id, 10, 1, id, "127.0.0.1:1", unsafe ? "POST" : "GET", `/orders/${id}`, "HTTP/1.1",
    headers, body, 0, null, 1.7e15 + id, 10, answer, Buffer.alloc(300, 0x62), 0, null, null, null,
  ]; // prettier-ignore
}

export interface ProducerSettings {
  readonly token?: string;
  readonly tls?: ConnectionOptions;
  /** How many to offer in all. */
  readonly offers?: number;
  /** Its ids begin after this one, so that several producers can share a target. */
  readonly idsAfter?: number;
}

/** Offers exchanges at a rate, or as fast as they are acknowledged, over any number of connections and servers. */
export class Producer {
  offered = 0;
  connections = 0;
  readonly session: ProducerSession;
  /** Milliseconds from offering a frame to its acknowledgement. */
  readonly ackMs: number[] = [];
  /** Why connections were given up by this side, or what the server said before it closed: code, how often. */
  readonly failures: Map<string, number> = new Map();
  /** Connections given up because what the server sent was damaged on the way. */
  damagedAnswers = 0;
  /** Bytes of frames that were written and not acknowledged, at most. */
  largestInFlightBytes = 0;
  readonly #port: number;
  readonly #perSecond: number;
  readonly #startedMs: number = performance.now();
  readonly #offeredAtMs: number[] = [];
  /** Bytes of all frames up to each. */
  readonly #bytesTo: number[] = [];
  #acked = 0;
  #socket: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ticker: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #limit: number;
  readonly #idsAfter: number;
  readonly #tls: ConnectionOptions | undefined;
  #closed = false;
  #ready = false;
  #watchers: (() => void)[] = [];

  constructor(
    port: number,
    perSecond: number,
    { token, tls, offers = Number.POSITIVE_INFINITY, idsAfter = 0 }: ProducerSettings = {},
  ) {
    this.#port = port;
    this.#limit = offers;
    this.#idsAfter = idsAfter;
    this.#tls = tls;
    this.#perSecond = perSecond;
    this.session = new ProducerSession({
      producerId: randomBytes(16),
      service: "oracle",
      agent: "oracle/1",
      token,
    });
    this.#timer = setInterval(() => this.#pump(), PUMP_MS);
    this.#ticker = setInterval(() => {
      this.session.tick(performance.now());
      this.#write();
      this.#giveUpOnFailure();
    }, TICK_MS);
    this.#connect();
  }

  /** Ids 1 to this number are acknowledged. */
  get acked(): number {
    return this.session.ackedWeight;
  }

  /** Stops offering, unless there is a number to offer; resolves when everything offered is acknowledged. */
  async finish(): Promise<void> {
    if (this.#limit === Number.POSITIVE_INFINITY) this.#limit = this.offered;
    await new Promise<void>((resolve) => {
      this.#watchers.push(() => {
        if (this.acked === this.#limit) resolve();
      });
      this.#look();
    });
  }

  /** Loses its connection, and comes back. */
  reconnect(): void {
    this.#socket?.destroy();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    clearInterval(this.#ticker);
    clearTimeout(this.#retry);
    this.#socket?.destroy();
  }

  #connect(): void {
    if (this.#closed) return;
    const where = { port: this.#port, host: "127.0.0.1" };
    const socket =
      this.#tls === undefined ? connect(where) : connectTls({ ...this.#tls, ...where });
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.on(this.#tls === undefined ? "connect" : "secureConnect", () => {
      this.#ready = true;
      this.connections += 1;
      this.session.connect(randomBytes(16), performance.now());
      this.#write();
    });
    socket.on("data", (chunk) => {
      this.session.receive(chunk, performance.now());
      this.#look();
      this.#write();
      this.#giveUpOnFailure();
    });
    socket.on("close", () => {
      this.#ready = false;
      this.session.disconnect();
      this.#retry = setTimeout(() => this.#connect(), RECONNECT_MS);
    });
  }

  #giveUpOnFailure(): void {
    const { failure } = this.session;
    if (failure === undefined || this.#socket?.destroyed === true) return;
    if (/not this protocol/.test(failure.message)) this.damagedAnswers += 1;
    this.failures.set(failure.code, (this.failures.get(failure.code) ?? 0) + 1);
    this.#socket?.destroy();
  }

  #pump(): void {
    const elapsed = (performance.now() - this.#startedMs) / 1000;
    const due = Math.min(this.#limit, Math.floor(elapsed * this.#perSecond));
    while (this.offered < due && this.session.unackedFrames < UNACKED_FRAMES_MAX) {
      const size = Math.min(FRAME_EXCHANGES, due - this.offered);
      const records = Array.from({ length: size }, (_, i) =>
        exchange(this.#idsAfter + this.offered + i + 1),
      );
      const heldBytes = this.session.unackedBytes;
      this.session.enqueue(packRecords(records), size);
      this.#bytesTo.push((this.#bytesTo.at(-1) ?? 0) + this.session.unackedBytes - heldBytes);
      this.offered += size;
      this.#offeredAtMs.push(performance.now());
    }
    this.#write();
  }

  #write(): void {
    const socket = this.#socket;
    if (socket === undefined || !this.#ready || this.session.state === "closed") return;
    for (const piece of this.session.takeOutput()) socket.write(piece);
    const { unackedFrames, unsentFrames } = this.session;
    const acked = this.#bytesTo.length - unackedFrames;
    const inFlightBytes =
      (this.#bytesTo[this.#bytesTo.length - unsentFrames - 1] ?? 0) -
      (this.#bytesTo[acked - 1] ?? 0);
    this.largestInFlightBytes = Math.max(this.largestInFlightBytes, inFlightBytes);
  }

  #look(): void {
    const acked = this.#offeredAtMs.length - this.session.unackedFrames;
    for (; this.#acked < acked; this.#acked += 1) {
      this.ackMs.push(performance.now() - (this.#offeredAtMs[this.#acked] ?? 0));
    }
    for (const watcher of this.#watchers) watcher();
  }
}

/** An HTTP server that counts how often each id arrived. */
export class Target {
  readonly arrived: Map<number, number> = new Map();
  readonly #server: Server;
  #held: (() => void)[] | undefined;

  private constructor(server: Server) {
    this.#server = server;
    server.keepAliveTimeout = 60_000;
  }

  static async start(): Promise<Target> {
    const server = createServer((req, res) => {
      const id = Number(req.headers["x-id"]);
      req.resume();
      req.on("end", () => {
        target.arrived.set(id, (target.arrived.get(id) ?? 0) + 1);
        target.#answer(() => res.end("ok"));
      });
    });
    const target = new Target(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return target;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Answers nothing until `release`. */
  hold(): void {
    this.#held = [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const answer of held) answer();
  }

  #answer(answer: () => void): void {
    if (this.#held === undefined) answer();
    else this.#held.push(answer);
  }

  /** Ids of 1 to `last` that never arrived, and those with side effects that arrived more than once. */
  faults(last: number): { missing: number[]; repeated: number[]; againSafe: number } {
    const missing: number[] = [];
    const repeated: number[] = [];
    let againSafe = 0;
    for (let id = 1; id <= last; id += 1) {
      const times = this.arrived.get(id) ?? 0;
      if (times === 0) missing.push(id);
      if (times > 1 && isUnsafe(id)) repeated.push(id);
      if (times > 1 && !isUnsafe(id)) againSafe += 1;
    }
    return { missing, repeated, againSafe };
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
