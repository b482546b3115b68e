/**
 * An entry of the journal as bytes: one frame of a producer, or its farewell. Sans-IO.
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
  /** Empty in a farewell. */
  readonly payload: Uint8Array;
  readonly total: number;
}

const VERSION = 1;
/** version, unused, lengths of producer and service, seq, total, checksum */
const HEADER_BYTES = 1 + 1 + 2 + 2 + 8 + 8 + 4;

const CHECKSUM_AT = HEADER_BYTES - 4;

/** Of everything but itself. */
function checksum(bytes: Buffer): number {
  return crc32(bytes.subarray(HEADER_BYTES), crc32(bytes.subarray(0, CHECKSUM_AT)));
}

export function encodeEntry({ producer, service, seq, payload, total }: JournalEntry): Buffer {
  const names = Buffer.from(producer + service, "utf8");
  const producerBytes = Buffer.byteLength(producer);
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + names.length + payload.length);
  bytes.writeUInt8(VERSION, 0);
  bytes.writeUInt8(0, 1);
  bytes.writeUInt16BE(producerBytes, 2);
  bytes.writeUInt16BE(names.length - producerBytes, 4);
  bytes.writeDoubleBE(seq, 6);
  bytes.writeDoubleBE(total, 14);
  names.copy(bytes, HEADER_BYTES);
  bytes.set(payload, HEADER_BYTES + names.length);
  bytes.writeUInt32BE(checksum(bytes), CHECKSUM_AT);
  return bytes;
}

/** Undefined when the bytes are damaged. The payload is a view. */
export function decodeEntry(bytes: Buffer): JournalEntry | undefined {
  if (bytes.length < HEADER_BYTES || bytes.readUInt8(0) !== VERSION) return undefined;
  const serviceAt = HEADER_BYTES + bytes.readUInt16BE(2);
  const payloadAt = serviceAt + bytes.readUInt16BE(4);
  if (payloadAt > bytes.length) return undefined;
  const payload = bytes.subarray(payloadAt);
  if (checksum(bytes) !== bytes.readUInt32BE(CHECKSUM_AT)) return undefined;
  return {
    producer: bytes.toString("utf8", HEADER_BYTES, serviceAt),
    service: bytes.toString("utf8", serviceAt, payloadAt),
    seq: bytes.readDoubleBE(6),
    payload,
    total: bytes.readDoubleBE(14),
  };
}
