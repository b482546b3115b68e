/**
 * The two ends of a connection, and which of them a packet comes from. A base of the connection and not a part of it, so that
 * the comparison, made for every packet, needs no second object. Knows nothing of sequence numbers.
 */
import type { TcpPacket } from "../packet/tcp-packet.ts";
import { addressText } from "./address.ts";
import type { Direction, Endpoint } from "./types.ts";

export class Endpoints {
  // Words of addresses; see TcpPacket.
  readonly #family: 4 | 6;
  readonly #client0: number;
  readonly #client1: number;
  readonly #client2: number;
  readonly #client3: number;
  readonly #server0: number;
  readonly #server1: number;
  readonly #server2: number;
  readonly #server3: number;
  readonly #clientPort: number;
  readonly #serverPort: number;

  /** `fromClient`: this first packet comes from the side that opened the connection. */
  constructor(first: TcpPacket, fromClient: boolean) {
    this.#family = first.family;
    this.#client0 = fromClient ? first.source0 : first.destination0;
    this.#client1 = fromClient ? first.source1 : first.destination1;
    this.#client2 = fromClient ? first.source2 : first.destination2;
    this.#client3 = fromClient ? first.source3 : first.destination3;
    this.#server0 = fromClient ? first.destination0 : first.source0;
    this.#server1 = fromClient ? first.destination1 : first.source1;
    this.#server2 = fromClient ? first.destination2 : first.source2;
    this.#server3 = fromClient ? first.destination3 : first.source3;
    this.#clientPort = fromClient ? first.sourcePort : first.destinationPort;
    this.#serverPort = fromClient ? first.destinationPort : first.sourcePort;
  }

  get client(): Endpoint {
    const address = addressText(
      this.#family,
      this.#client0,
      this.#client1,
      this.#client2,
      this.#client3,
    );
    return { address, port: this.#clientPort };
  }

  get server(): Endpoint {
    const address = addressText(
      this.#family,
      this.#server0,
      this.#server1,
      this.#server2,
      this.#server3,
    );
    return { address, port: this.#serverPort };
  }

  /** 0 or 1 when the packet has these addresses and ports, else -1. */
  directionOf(packet: TcpPacket): Direction | -1 {
    if (packet.sourcePort === this.#clientPort && packet.destinationPort === this.#serverPort) {
      if (
        packet.source0 === this.#client0 &&
        packet.destination0 === this.#server0 &&
        packet.family === this.#family &&
        (packet.family === 4 || this.#isFromClient6(packet))
      ) {
        return 0;
      }
    }
    if (packet.sourcePort === this.#serverPort && packet.destinationPort === this.#clientPort) {
      if (
        packet.source0 === this.#server0 &&
        packet.destination0 === this.#client0 &&
        packet.family === this.#family &&
        (packet.family === 4 || this.#isFromServer6(packet))
      ) {
        return 1;
      }
    }
    return -1;
  }

  #isFromClient6(packet: TcpPacket): boolean {
    return (
      packet.source1 === this.#client1 &&
      packet.source2 === this.#client2 &&
      packet.source3 === this.#client3 &&
      packet.destination1 === this.#server1 &&
      packet.destination2 === this.#server2 &&
      packet.destination3 === this.#server3
    );
  }

  #isFromServer6(packet: TcpPacket): boolean {
    return (
      packet.source1 === this.#server1 &&
      packet.source2 === this.#server2 &&
      packet.source3 === this.#server3 &&
      packet.destination1 === this.#client1 &&
      packet.destination2 === this.#client2 &&
      packet.destination3 === this.#client3
    );
  }
}
