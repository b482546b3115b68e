/**
 * The hash of a connection's addresses and ports, the same for both directions. Tabulation hashing: for every byte of
 * an endpoint a table of random words, combined by XOR. It needs no string, is uniform, and whoever does not know
 * the seed cannot make connections collide.
 */
import type { TcpPacket } from "../packet/tcp-packet.ts";

/** 128 bits of randomness. */
export type HashSeed = readonly [number, number, number, number];

const TABLE = 256;
/** Two bytes of port, then four words of address. */
const TABLES = 2 + 16;

export class FlowHash {
  readonly #tables: Int32Array = new Int32Array(TABLES * TABLE);

  constructor(seed: HashSeed) {
    // xoshiro128**; an all-zero state would stay so.
    let [a, b, c, d] = [seed[0] | 0, seed[1] | 0, seed[2] | 0, seed[3] | 1];
    for (let at = 0; at < this.#tables.length; at += 1) {
      const turned = Math.imul(b, 5);
      this.#tables[at] = Math.imul((turned << 7) | (turned >>> 25), 9);
      const shifted = b << 9;
      c ^= a;
      d ^= b;
      b ^= c;
      a ^= d;
      c ^= shifted;
      d = (d << 11) | (d >>> 21);
    }
  }

  of(packet: TcpPacket): number {
    let source = this.#port(packet.sourcePort) ^ this.#word(2 * TABLE, packet.source0);
    let destination =
      this.#port(packet.destinationPort) ^ this.#word(2 * TABLE, packet.destination0);
    if (packet.family === 6) {
      source ^= this.#word(6 * TABLE, packet.source1);
      source ^= this.#word(10 * TABLE, packet.source2);
      source ^= this.#word(14 * TABLE, packet.source3);
      destination ^= this.#word(6 * TABLE, packet.destination1);
      destination ^= this.#word(10 * TABLE, packet.destination2);
      destination ^= this.#word(14 * TABLE, packet.destination3);
    }
    return (source + destination) | 0;
  }

  #port(port: number): number {
    return (this.#tables[port & 255] ?? 0) ^ (this.#tables[TABLE + (port >>> 8)] ?? 0);
  }

  #word(at: number, word: number): number {
    const tables = this.#tables;
    return (
      (tables[at + (word & 255)] ?? 0) ^
      (tables[at + TABLE + ((word >>> 8) & 255)] ?? 0) ^
      (tables[at + 2 * TABLE + ((word >>> 16) & 255)] ?? 0) ^
      (tables[at + 3 * TABLE + (word >>> 24)] ?? 0)
    );
  }
}
