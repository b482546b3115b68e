/** Captures of whole conversations, made by hand: who says what, in which segments, at what time. For tests. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { PORT, RAW_IP, ipv4, pcap, tcp } from "./packet-kit.ts";
import type { Captured } from "./packet-kit.ts";

const US_PER_PACKET = 10;
const US_PER_SECOND = 1_000_000;

/** One capture: packets in the order in which they are sent. */
export class Wire {
  readonly packets: Captured[] = [];
  #us = 1_732_406_400 * US_PER_SECOND;
  #clients = 0;

  /** A client of its own address and port, its handshake done unless told not to. */
  connect(handshake = true): Conversation {
    this.#clients += 1;
    const conversation = new Conversation(this, this.#clients);
    if (handshake) conversation.handshake();
    return conversation;
  }

  /** An ordinary exchange on a connection of its own. */
  exchange(path: string): void {
    const conversation = this.connect();
    conversation.client(`GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`);
    conversation.server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    conversation.close();
  }

  waitSeconds(seconds: number): void {
    this.#us += seconds * US_PER_SECOND;
  }

  add(bytes: Uint8Array): void {
    this.#us += US_PER_PACKET;
    const seconds = Math.floor(this.#us / US_PER_SECOND);
    this.packets.push({ bytes, seconds, fraction: this.#us % US_PER_SECOND });
  }

  bytes(): Buffer {
    return pcap(this.packets, { linkType: RAW_IP });
  }
}

/** One connection; offsets of segments can be given to repeat and overlap. */
export class Conversation {
  readonly #wire: Wire;
  readonly #address: string;
  readonly #port: number;
  #client = 1;
  #server = 1;

  constructor(wire: Wire, number: number) {
    this.#wire = wire;
    this.#address = `10.${1 + (number >> 16)}.${(number >> 8) & 0xff}.${number & 0xff}`;
    this.#port = 20_000 + (number % 40_000);
  }

  handshake(): void {
    this.syn();
    this.#send("server", "SA", 0, "");
    this.#send("client", "A", this.#client, "");
  }

  syn(): void {
    this.#send("client", "S", 0, "");
  }

  /** What the client sends, at its place or at `offset` of its stream. */
  client(payload: string | Uint8Array, offset?: number): void {
    const at = offset === undefined ? this.#client : offset + 1;
    this.#send("client", "PA", at, payload);
    this.#client = Math.max(this.#client, at + payload.length);
  }

  server(payload: string | Uint8Array): void {
    this.#send("server", "PA", this.#server, payload);
    this.#server += payload.length;
  }

  /** Nothing of this much was captured. */
  skip(bytes: number): void {
    this.#client += bytes;
  }

  close(): void {
    this.#send("client", "FA", this.#client, "");
    this.#send("server", "FA", this.#server, "");
    this.#client += 1;
    this.#server += 1;
    this.#send("client", "A", this.#client, "");
  }

  #send(
    side: "client" | "server",
    flags: string,
    sequence: number,
    payload: string | Uint8Array,
  ): void {
    const client = this.#address;
    const bytes = typeof payload === "string" ? Buffer.from(payload, "latin1") : payload;
    this.#wire.add(
      side === "client"
        ? ipv4(
            tcp({ sourcePort: this.#port, destinationPort: PORT, sequence, acknowledgment: this.#server, flags, payload: bytes }), // prettier-ignore
            { source: client, destination: "10.0.0.2" },
          )
        : ipv4(
            tcp({ sourcePort: PORT, destinationPort: this.#port, sequence, acknowledgment: this.#client, flags, payload: bytes }), // prettier-ignore
            { source: "10.0.0.2", destination: client },
          ),
    );
  }
}

const folder = mkdtempSync(join(tmpdir(), "mirrorball-pcap-"));
let files = 0;
// Some of them are large.
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes a capture and returns its path. */
export function captureFile(bytes: Uint8Array, ending = "pcap"): string {
  files += 1;
  const path = join(folder, `${files}.${ending}`);
  writeFileSync(path, bytes);
  return path;
}
