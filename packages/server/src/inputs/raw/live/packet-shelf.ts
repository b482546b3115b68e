/**
 * Packets that are set aside, as bytes and in their order, by a reader that must not wait and cannot work on them now. To copy
 * a packet takes a fraction of the time that taking it apart does. Bounded; memory comes with the packets and goes with them.
 */
import type { PacketSink } from "../../../core/packet/types.ts";

/** Bytes taken from the system at once: sixteen of the longest packets. */
const SLAB_BYTES: number = 4 * 1024 * 1024;
/** Captured and original length, seconds, nanoseconds. */
const HEADER_WORDS = 4;
const HEADER_BYTES: number = HEADER_WORDS * 4;
const WORD_BYTES = 4;

interface Slab {
  readonly bytes: Buffer;
  /** The same memory. */
  readonly words: Uint32Array;
  used: number;
}

export class PacketShelf {
  readonly #bytesMax: number;
  #slabs: Slab[] = [];
  #taken = 0;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get isEmpty(): boolean {
    return this.#bytes === 0;
  }

  /** Copies the first `length` bytes of `packet`. False when there is no room. */
  put(
    packet: Uint8Array,
    length: number,
    originalBytes: number,
    seconds: number,
    nanoseconds: number,
  ): boolean {
    const size = HEADER_BYTES + Math.ceil(length / WORD_BYTES) * WORD_BYTES;
    if (this.#bytes + size > this.#bytesMax) return false;
    const slab = this.#slabFor(size);
    const at = slab.used;
    const word = at / WORD_BYTES;
    slab.words[word] = length;
    slab.words[word + 1] = originalBytes;
    slab.words[word + 2] = seconds;
    slab.words[word + 3] = nanoseconds;
    slab.bytes.set(packet.subarray(0, length), at + HEADER_BYTES);
    slab.used = at + size;
    this.#bytes += size;
    return true;
  }

  /** Hands the oldest packet on; `isEmpty` must be false. */
  takeOne(linkType: number, sink: PacketSink): void {
    const slab = this.#slabs[0];
    if (slab === undefined) return;
    const at = this.#taken;
    const word = at / WORD_BYTES;
    const length = slab.words[word] ?? 0;
    const start = at + HEADER_BYTES;
    const size = HEADER_BYTES + Math.ceil(length / WORD_BYTES) * WORD_BYTES;
    this.#taken += size;
    this.#bytes -= size;
    const { bytes, words } = slab;
    if (this.#taken === slab.used) {
      this.#slabs.shift();
      this.#taken = 0;
    }
    sink.packet(
      linkType,
      bytes,
      start,
      start + length,
      words[word + 1] ?? 0,
      words[word + 2] ?? 0,
      words[word + 3] ?? 0,
    );
  }

  #slabFor(size: number): Slab {
    const last = this.#slabs.at(-1);
    if (last !== undefined && last.used + size <= last.bytes.length) return last;
    const bytes = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, size));
    const words = new Uint32Array(bytes.buffer, 0, bytes.length / WORD_BYTES);
    const slab = { bytes, words, used: 0 };
    this.#slabs.push(slab);
    return slab;
  }
}
