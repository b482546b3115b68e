// A replay server for tests: takes records over real sockets and keeps them, nothing more.
import { randomBytes } from "node:crypto";
import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { ConsumerSession, RecordType, checkPayload, unpackRecords } from "@mirrorball/protocol";
import type { ExchangeRecord, WireRecord } from "@mirrorball/protocol";

export class Sink {
  readonly records: WireRecord[] = [];
  /** All bytes that came, when asked to keep them. */
  readonly wire: Buffer[] = [];
  /** Producers that said they are done. */
  goodbyes = 0;
  readonly #server: Server;
  readonly #sockets: Set<Socket> = new Set();
  readonly #watchers: Set<() => void> = new Set();
  readonly #acked: Map<string, number> = new Map();

  private constructor(token: string | undefined, keepsWire: boolean) {
    this.#server = createServer((socket) => {
      if (keepsWire) socket.on("data", (chunk: Buffer) => this.wire.push(Buffer.from(chunk)));
      this.#serve(socket, token);
    });
  }

  static async listen({
    token,
    port = 0,
    keepsWire = false,
  }: { token?: string; port?: number; keepsWire?: boolean } = {}): Promise<Sink> {
    const sink = new Sink(token, keepsWire);
    await new Promise<void>((resolve) => sink.#server.listen(port, "127.0.0.1", resolve));
    return sink;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Resolves with what `look` returns, once that is not undefined. */
  until<T>(look: (records: readonly WireRecord[]) => T | undefined): Promise<T> {
    return new Promise((resolve) => {
      const watcher = (): void => {
        const found = look(this.records);
        if (found === undefined) return;
        this.#watchers.delete(watcher);
        resolve(found);
      };
      this.#watchers.add(watcher);
      watcher();
    });
  }

  /** The first `count` whole exchanges. */
  exchanges(count: number): Promise<ExchangeRecord[]> {
    return this.until(() => {
      const whole = this.whole;
      return whole.length >= count ? whole : undefined;
    });
  }

  get whole(): ExchangeRecord[] {
    return this.records.filter(
      (record): record is ExchangeRecord => record[0] === RecordType.exchange,
    );
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #serve(socket: Socket, token: string | undefined): void {
    this.#sockets.add(socket);
    socket.on("error", () => {}).on("close", () => this.#sockets.delete(socket));
    const session = new ConsumerSession(
      {
        nonce: randomBytes(16),
        token,
        resume: ({ producerId }) => this.#acked.get(key(producerId)),
      },
      0,
    );
    socket.on("data", (chunk: Buffer) => {
      for (const { seq, payload } of session.receive(Buffer.from(chunk), 0)) {
        const records = checkPayload(payload) ?? unpackRecords(payload);
        if (typeof records === "string") throw new Error(records);
        this.records.push(...records);
        session.accepted(seq, 1, payload.length);
        if (session.hello !== undefined) this.#acked.set(key(session.hello.producerId), seq);
      }
      for (const piece of session.takeOutput()) socket.write(piece);
      if (session.state === "ended") this.goodbyes += 1;
      for (const watcher of this.#watchers) watcher();
    });
  }
}

function key(id: Uint8Array): string {
  return Buffer.from(id).toString("hex");
}
