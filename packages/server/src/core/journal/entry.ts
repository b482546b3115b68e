/**
 * An entry of the journal as bytes: one frame of a producer, or its bye. Sans-IO.
 *
 * `total` counts the bytes of all payloads ever journalled up to and including this one, so that the size of what is
 * held between two entries is a subtraction. A checksum of its own guards all of it: the disk is not the wire.
 */
import { crc32 } from "node:zlib";

export interface JournalEntry {
  /** Hexadecimal producer id. */
  readonly producer: string;
  readonly service: string;
  readonly seq: number;
  /** Empty in a bye. */
  readonly payload: Uint8Array;
  readonly total: number;
}

const VERSION = 1;

/**
 * Where the numbers of an entry's head stand. A later version may add some behind the checksum and say in `extraBytes` how
 * many bytes they take: this one passes over them. What would mislead it needs another `VERSION`.
 */
const HEAD_AT = {
  version: 0,
  extraBytes: 1,
  producerBytes: 2,
  serviceBytes: 4,
  seq: 6,
  total: 14,
  checksum: 22,
} as const;
const HEADER_BYTES = HEAD_AT.checksum + 4;

/** Of everything but itself. */
function checksum(bytes: Buffer): number {
  return crc32(bytes.subarray(HEADER_BYTES), crc32(bytes.subarray(0, HEAD_AT.checksum)));
}

export function encodeEntry({ producer, service, seq, payload, total }: JournalEntry): Buffer {
  const names = Buffer.from(producer + service, "utf8");
  const producerBytes = Buffer.byteLength(producer);
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + names.length + payload.length);
  bytes.writeUInt8(VERSION, HEAD_AT.version);
  bytes.writeUInt8(0, HEAD_AT.extraBytes);
  bytes.writeUInt16BE(producerBytes, HEAD_AT.producerBytes);
  bytes.writeUInt16BE(names.length - producerBytes, HEAD_AT.serviceBytes);
  bytes.writeDoubleBE(seq, HEAD_AT.seq);
  bytes.writeDoubleBE(total, HEAD_AT.total);
  names.copy(bytes, HEADER_BYTES);
  bytes.set(payload, HEADER_BYTES + names.length);
  bytes.writeUInt32BE(checksum(bytes), HEAD_AT.checksum);
  return bytes;
}

/** Undefined when the bytes are damaged. The payload is a view. */
export function decodeEntry(bytes: Buffer): JournalEntry | undefined {
  if (bytes.length < HEADER_BYTES || bytes.readUInt8(HEAD_AT.version) !== VERSION) return undefined;
  const producerAt = HEADER_BYTES + bytes.readUInt8(HEAD_AT.extraBytes);
  const serviceAt = producerAt + bytes.readUInt16BE(HEAD_AT.producerBytes);
  const payloadAt = serviceAt + bytes.readUInt16BE(HEAD_AT.serviceBytes);
  if (payloadAt > bytes.length) return undefined;
  const payload = bytes.subarray(payloadAt);
  if (checksum(bytes) !== bytes.readUInt32BE(HEAD_AT.checksum)) return undefined;
  return {
    producer: bytes.toString("utf8", producerAt, serviceAt),
    service: bytes.toString("utf8", serviceAt, payloadAt),
    seq: bytes.readDoubleBE(HEAD_AT.seq),
    payload,
    total: bytes.readDoubleBE(HEAD_AT.total),
  };
}
