// A TCP proxy that harms what passes: slow, thin, sliced, flipped, reset, swallowed. It counts every harm it did, so that a
// test can show that its faults happened. It knows nothing of what is spoken through it.
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";

export type Direction = "up" | "down";

/** Fixed for the life of a proxy; numbers are asked for anew on each connection. */
export interface Toxics {
  /** Milliseconds that each chunk is late, in both directions. */
  readonly latencyMs?: number;
  /** Bytes a second, in each direction of each connection. */
  readonly bytesPerSecond?: number;
  /** Resets both sides when this many bytes have passed in that direction. */
  readonly resetAt?: (connection: number) => { direction: Direction; bytes: number };
  /** Passes single bytes. */
  readonly sliced?: boolean;
  /** Turns one bit over when this many bytes have passed in that direction. */
  readonly flipAt?: (
    connection: number,
  ) => { direction: Direction; bytes: number; bit: number } | undefined;
}

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  readonly passed: Record<Direction, number>;
  /** What this link swallows. */
  readonly holes: Set<Direction>;
  resetAt: { direction: Direction; bytes: number } | undefined;
  flipAt: { direction: Direction; bytes: number; bit: number } | undefined;
}

export class ChaosProxy {
  connections = 0;
  resets = 0;
  slices = 0;
  swallowedBytes = 0;
  readonly flips: Record<Direction, number> = { up: 0, down: 0 };
  readonly #server: Server;
  readonly #target: number;
  readonly #toxics: Toxics;
  readonly #links: Set<Link> = new Set();
  #calm = false;

  private constructor(target: number, toxics: Toxics) {
    this.#target = target;
    this.#toxics = toxics;
    // A client that ends must not end the server's side by itself: half-open is ours to make.
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
  }

  /** Listens on a port of its own and passes everything to `target` on this machine. */
  static async start(target: number, toxics: Toxics = {}): Promise<ChaosProxy> {
    const proxy = new ChaosProxy(target, toxics);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get open(): number {
    return this.#links.size;
  }

  /** The connections of now swallow what comes in these directions and never tell; later ones do not. */
  blackHole(...directions: Direction[]): void {
    for (const link of this.#links) for (const direction of directions) link.holes.add(direction);
  }

  /** The connections of now lose one end, and the other end is not told. */
  halfOpen(lost: "client" | "server"): void {
    for (const link of this.#links) {
      link.holes.add("up").add("down");
      link[lost].resetAndDestroy();
    }
  }

  /** No resets from here on, of old connections nor of new ones. */
  calm(): void {
    this.#calm = true;
    for (const link of this.#links) link.resetAt = undefined;
  }

  close(): void {
    for (const { client, server } of this.#links) {
      client.destroy();
      server.destroy();
    }
    this.#server.close();
  }

  #accept(client: Socket): void {
    const number = this.connections;
    this.connections += 1;
    const link: Link = {
      client,
      server: connect({ port: this.#target, host: "127.0.0.1", allowHalfOpen: true }),
      passed: { up: 0, down: 0 },
      holes: new Set(),
      resetAt: this.#calm ? undefined : this.#toxics.resetAt?.(number),
      flipAt: this.#toxics.flipAt?.(number),
    };
    this.#links.add(link);
    for (const [one, other] of [
      [client, link.server],
      [link.server, client],
    ] as const) {
      one.setNoDelay(true);
      one.on("error", () => {});
      one.on("close", () => {
        link.flipAt = undefined;
        if (link.holes.size === 0) other.destroy();
        if (other.destroyed) this.#links.delete(link);
      });
    }
    void this.#pass(link, client, link.server, "up");
    void this.#pass(link, link.server, client, "down");
  }

  async #pass(link: Link, from: Socket, to: Socket, direction: Direction): Promise<void> {
    const { latencyMs = 0, bytesPerSecond, sliced = false } = this.#toxics;
    try {
      for await (const chunk of from as AsyncIterable<Buffer>) {
        if (link.holes.has(direction)) {
          this.swallowedBytes += chunk.length;
          continue;
        }
        if (bytesPerSecond !== undefined) await sleep((chunk.length / bytesPerSecond) * 1000);
        const piece = this.#harm(link, chunk, direction);
        if (sliced) await this.#slice(to, piece);
        // Timers of one duration fire in the order they were set.
        else if (latencyMs > 0) setTimeout(() => to.write(piece), latencyMs);
        else if (!to.write(piece)) await drained(to);
        if (piece.length < chunk.length) {
          this.#reset(link);
          return;
        }
      }
      if (link.holes.size === 0) setTimeout(() => to.end(), latencyMs);
    } catch {
      // One side is gone; the close event tells the other, if it is to be told.
    }
  }

  /** What is left of a chunk: a bit turned over, or cut where the connection breaks. */
  #harm(link: Link, chunk: Buffer, direction: Direction): Buffer {
    const { flipAt, resetAt, passed } = link;
    const start = passed[direction];
    passed[direction] += chunk.length;
    const end = passed[direction];
    let piece = chunk;
    if (flipAt?.direction === direction && flipAt.bytes < end) {
      piece = Buffer.from(chunk);
      const at = Math.max(0, flipAt.bytes - start);
      piece[at] = (piece[at] ?? 0) ^ (1 << flipAt.bit);
      link.flipAt = undefined;
      this.flips[direction] += 1;
    }
    return resetAt?.direction === direction && resetAt.bytes < end
      ? piece.subarray(0, Math.max(0, resetAt.bytes - start))
      : piece;
  }

  async #slice(to: Socket, piece: Buffer): Promise<void> {
    for (let at = 0; at < piece.length && to.writable; at += 1) {
      to.write(piece.subarray(at, at + 1));
      this.slices += 1;
      await nextTurn();
    }
  }

  #reset({ client, server }: Link): void {
    this.resets += 1;
    client.resetAndDestroy();
    server.resetAndDestroy();
  }
}

async function drained(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => {
    socket.once("drain", resolve);
    socket.once("close", resolve);
  });
}
