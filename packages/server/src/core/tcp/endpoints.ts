/**
 * The two ends of a connection, and which of them a packet comes from. A base of the connection and not a part of it, so that
 * the comparison, made for every packet, needs no second object. Knows nothing of sequence numbers.
 */
import type { TcpPacket } from "../packet/tcp-packet.ts";
import { addressText } from "./address.ts";
import type { Direction, Endpoint } from "./types.ts";

/** What an IPv6 address has behind its first word; see TcpPacket. IPv4 has none, and its connections stay small. */
type Words = readonly [number, number, number];

/** Those of both ends: only where the family is 6. */
interface MoreWords {
  readonly client: Words;
  readonly server: Words;
}

export class Endpoints {
  readonly #client0: number;
  readonly #server0: number;
  readonly #clientPort: number;
  readonly #serverPort: number;
  readonly #more: MoreWords | undefined;

  /** `fromClient`: this first packet comes from the side that opened the connection. */
  constructor(first: TcpPacket, fromClient: boolean) {
    this.#client0 = fromClient ? first.source0 : first.destination0;
    this.#server0 = fromClient ? first.destination0 : first.source0;
    this.#clientPort = fromClient ? first.sourcePort : first.destinationPort;
    this.#serverPort = fromClient ? first.destinationPort : first.sourcePort;
    this.#more = first.family === 4 ? undefined : moreWords(first, fromClient);
  }

  get client(): Endpoint {
    return endpoint(this.#client0, this.#more?.client, this.#clientPort);
  }

  get server(): Endpoint {
    return endpoint(this.#server0, this.#more?.server, this.#serverPort);
  }

  /** 0 or 1 when the packet has these addresses and ports, else -1. */
  directionOf(packet: TcpPacket): Direction | -1 {
    if (packet.sourcePort === this.#clientPort && packet.destinationPort === this.#serverPort) {
      if (packet.source0 === this.#client0 && packet.destination0 === this.#server0) {
        if (this.#more === undefined ? packet.family === 4 : isFromClient(packet, this.#more)) {
          return 0;
        }
      }
    }
    if (packet.sourcePort === this.#serverPort && packet.destinationPort === this.#clientPort) {
      if (packet.source0 === this.#server0 && packet.destination0 === this.#client0) {
        if (this.#more === undefined ? packet.family === 4 : isFromServer(packet, this.#more)) {
          return 1;
        }
      }
    }
    return -1;
  }
}

function moreWords(first: TcpPacket, fromClient: boolean): MoreWords {
  const source: Words = [first.source1, first.source2, first.source3];
  const destination: Words = [first.destination1, first.destination2, first.destination3];
  return fromClient
    ? { client: source, server: destination }
    : { client: destination, server: source };
}

function endpoint(first: number, more: Words | undefined, port: number): Endpoint {
  const address =
    more === undefined ? addressText(4, first, 0, 0, 0) : addressText(6, first, ...more);
  return { address, port };
}

function isFromClient(packet: TcpPacket, { client, server }: MoreWords): boolean {
  return packet.family === 6 && isSource(packet, client) && isDestination(packet, server);
}

function isFromServer(packet: TcpPacket, { client, server }: MoreWords): boolean {
  return packet.family === 6 && isSource(packet, server) && isDestination(packet, client);
}

function isSource({ source1, source2, source3 }: TcpPacket, words: Words): boolean {
  return source1 === words[0] && source2 === words[1] && source3 === words[2];
}

function isDestination(packet: TcpPacket, words: Words): boolean {
  const { destination1, destination2, destination3 } = packet;
  return destination1 === words[0] && destination2 === words[1] && destination3 === words[2];
}
