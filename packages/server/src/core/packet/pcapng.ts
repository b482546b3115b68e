/**
 * The newer capture format: sections of typed blocks, each section with its byte order and its interfaces, each interface
 * with its link type and clock. Sans-IO. Reads section, interface and the three kinds of packet blocks; the rest
 * is skipped and counted.
 */
import { i32be, u16, u32 } from "./bytes.ts";
import { readClock } from "./pcapng-clock.ts";
import type { CaptureClock } from "./pcapng-clock.ts";
import { RECORD_BYTES_MAX } from "./record-splitter.ts";
import type { RecordFormat } from "./record-splitter.ts";
import type { PacketSink } from "./types.ts";

const SECTION_HEADER = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION = 1;
/** The obsolete Packet Block. */
const PACKET = 2;
const SIMPLE_PACKET = 3;
const ENHANCED_PACKET = 6;

const BYTE_ORDER_MAGIC = 0x1a2b_3c4d;
/** Type, length, and the length again at the end. */
const BLOCK_BYTES_MIN = 12;
/** Type, length and byte order magic: what tells how long a section header is. */
const SECTION_HEADER_TELLS_BYTES = 12;
const SECTION_HEADER_BYTES_MIN = 28;
const INTERFACE_BYTES_MIN = 20;
const PACKET_BYTES_MIN = 32;
const SIMPLE_PACKET_BYTES_MIN = 16;
/** Interfaces of a section; real machines have tens, files merged from many have hundreds. */
const INTERFACES_MAX = 65_536;

interface CaptureInterface {
  readonly linkType: number;
  /** 0: no limit. */
  readonly snapBytes: number;
  readonly clock: CaptureClock;
}

export function isPcapngMagic(bytes: Uint8Array, at: number): boolean {
  return i32be(bytes, at) === SECTION_HEADER;
}

export class PcapngFormat implements RecordFormat {
  readonly #sink: PacketSink;
  #little = true;
  #interfaces: CaptureInterface[] = [];
  /** Simple packets carry no time: they get the one of the packet before them. */
  #seconds = 0;
  #nanoseconds = 0;
  /** Why reading stopped. */
  problem: string | undefined = undefined;
  /** Blocks of kinds that carry no packets. */
  skippedBlocks = 0;
  /** Blocks that contradict themselves, and packets of interfaces that were never described. */
  malformedBlocks = 0;

  constructor(sink: PacketSink) {
    this.#sink = sink;
  }

  recordBytes(bytes: Uint8Array, at: number, available: number): number {
    if (available < BLOCK_BYTES_MIN) return 0;
    let little = this.#little;
    if (i32be(bytes, at) === SECTION_HEADER) {
      if (available < SECTION_HEADER_TELLS_BYTES) return 0;
      little = u32(bytes, at + 8, true) === BYTE_ORDER_MAGIC;
      if (!little && u32(bytes, at + 8, false) !== BYTE_ORDER_MAGIC) {
        return this.#stop(`section header: has no byte order magic`);
      }
    }
    const length = u32(bytes, at + 4, little);
    if (length > RECORD_BYTES_MAX || length < BLOCK_BYTES_MIN || length % 4 !== 0) {
      return this.#stop(
        `block length: must be a multiple of 4 from ${BLOCK_BYTES_MIN} to ${RECORD_BYTES_MAX} bytes; got ${length}`,
      );
    }
    return length;
  }

  record(bytes: Uint8Array, at: number, length: number): void {
    if (i32be(bytes, at) === SECTION_HEADER) {
      this.#little = u32(bytes, at + 8, true) === BYTE_ORDER_MAGIC;
      this.#interfaces = [];
      if (length < SECTION_HEADER_BYTES_MIN) this.malformedBlocks += 1;
      return;
    }
    const little = this.#little;
    // The packet may still be good; only the way back through the file is not.
    if (u32(bytes, at + length - 4, little) !== length) this.malformedBlocks += 1;
    const type = u32(bytes, at, little);
    if (type === ENHANCED_PACKET) {
      this.#packet(bytes, at, length, u32(bytes, at + 8, little));
    } else if (type === PACKET) {
      this.#packet(bytes, at, length, u16(bytes, at + 8, little));
    } else if (type === SIMPLE_PACKET) {
      this.#simplePacket(bytes, at, length);
    } else if (type === INTERFACE_DESCRIPTION) {
      this.#interface(bytes, at, length);
    } else {
      this.skippedBlocks += 1;
    }
  }

  #stop(problem: string): number {
    this.problem = problem;
    return -1;
  }

  #interface(bytes: Uint8Array, at: number, length: number): void {
    if (length < INTERFACE_BYTES_MIN || this.#interfaces.length >= INTERFACES_MAX) {
      this.malformedBlocks += 1;
      return;
    }
    this.#interfaces.push({
      linkType: u16(bytes, at + 8, this.#little),
      snapBytes: u32(bytes, at + 12, this.#little),
      clock: readClock(bytes, at + 16, at + length - 4, this.#little),
    });
  }

  #packet(bytes: Uint8Array, at: number, length: number, interfaceNumber: number): void {
    const from = this.#interfaces[interfaceNumber];
    const captured = u32(bytes, at + 20, this.#little);
    if (length < PACKET_BYTES_MIN || from === undefined || captured > length - PACKET_BYTES_MIN) {
      this.malformedBlocks += 1;
      return;
    }
    const { clock } = from;
    clock.read(u32(bytes, at + 12, this.#little), u32(bytes, at + 16, this.#little));
    this.#seconds = clock.seconds;
    this.#nanoseconds = clock.nanoseconds;
    this.#emit(from, bytes, at + 28, captured, u32(bytes, at + 24, this.#little));
  }

  #simplePacket(bytes: Uint8Array, at: number, length: number): void {
    const from = this.#interfaces[0];
    if (length < SIMPLE_PACKET_BYTES_MIN || from === undefined) {
      this.malformedBlocks += 1;
      return;
    }
    const original = u32(bytes, at + 8, this.#little);
    const snapBytes = from.snapBytes === 0 ? original : from.snapBytes;
    const captured = Math.min(original, snapBytes, length - SIMPLE_PACKET_BYTES_MIN);
    this.#emit(from, bytes, at + 12, captured, original);
  }

  #emit(
    from: CaptureInterface,
    bytes: Uint8Array,
    start: number,
    captured: number,
    original: number,
  ): void {
    this.#sink.packet(
      from.linkType,
      bytes,
      start,
      start + captured,
      original < captured ? captured : original,
      this.#seconds,
      this.#nanoseconds,
    );
  }
}
