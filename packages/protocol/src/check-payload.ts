/**
 * The structural walk over a payload before msgpackr may see it.
 *
 * In: bytes from the network. Out: undefined when they are one msgpack value built of the few types our records
 * use, with every length backed by bytes that are really there, shallow nesting and a bounded number of lists and byte
 * strings; otherwise the reason. It allocates nothing, so a hostile payload costs its own length in
 * time and no memory. It does not know what the values mean.
 *
 * Why: unpackers allocate by announced lengths and recurse by nesting; both are the sender's choice.
 */
import {
  PADDED_BYTES_PER_VALUE,
  PADDED_VALUES_BASE,
  PAYLOAD_BYTES_PER_OBJECT_MIN,
  PAYLOAD_DEPTH_MAX,
  PAYLOAD_OBJECTS_BASE,
} from "./limits.ts";

const NIL = 0xc0;
const FLOAT64 = 0xcb;
const BIN8 = 0xc4;
const BIN32 = 0xc6;

/** What one walk has counted; one for all, so that a walk allocates nothing. */
const walked = { values: 0 };

export function checkPayload(bytes: Uint8Array): string | undefined {
  const length = bytes.length;
  let budget = PAYLOAD_OBJECTS_BASE + Math.floor(length / PAYLOAD_BYTES_PER_OBJECT_MIN);
  let values = 0;
  // Values still expected at each depth; three plain variables would do, an array reads better.
  const left = [1, 0, 0, 0];
  let depth = 0;
  let at = 0;
  for (;;) {
    while (left[depth] === 0) {
      if (depth === 0) {
        walked.values = values;
        return at === length ? undefined : "bytes behind the value";
      }
      depth -= 1;
    }
    left[depth] = (left[depth] ?? 0) - 1;
    if (at >= length) return "value ends early";
    values += 1;
    const type = bytes[at] ?? 0;
    at += 1;
    if (type <= 0x7f || type === NIL) continue;
    const width = lengthWidth(type);
    if (width < 0) return `type 0x${type.toString(16)} is not used by this protocol`;
    if (at + width > length) return "length ends early";
    const size = width === 0 ? fixedSize(type) : readUint(bytes, at, width);
    at += width;
    if (isObject(type)) budget -= 1;
    if (budget < 0) return "too many lists and byte strings";
    if (!isArray(type)) {
      if (size > length - at) return "value is longer than the payload";
      at += size;
      continue;
    }
    if (size > length - at) return "list is longer than the payload";
    depth += 1;
    if (depth > PAYLOAD_DEPTH_MAX) return "nested too deeply";
    left[depth] = size;
  }
}

/** Lists and byte strings: each is an object of its own once it is unpacked. */
function isObject(type: number): boolean {
  return isArray(type) || (type >= BIN8 && type <= BIN32);
}

/**
 * Bytes of padding that `payload` needs before receivers of minor version 2 and older take it; 0 as a rule, and for what no
 * receiver takes.
 */
export function paddingBytesFor(payload: Uint8Array): number {
  if (checkPayload(payload) !== undefined) return 0;
  return paddingBytes(walked.values, payload.length);
}

/** The same for a payload of so many values and bytes. */
export function paddingBytes(values: number, bytes: number): number {
  const short = (values - PADDED_VALUES_BASE) * PADDED_BYTES_PER_VALUE - bytes;
  return short <= 0 ? 0 : short + PADDING_VALUES * PADDED_BYTES_PER_VALUE;
}

/** A padding record's own values: its list, its type, its bytes. */
const PADDING_VALUES = 3;

function isArray(type: number): boolean {
  return (type >= 0x90 && type <= 0x9f) || type === 0xdc || type === 0xdd;
}

/** Bytes of the length field behind `type`; 0 when the type itself tells the size; -1 when we refuse it. */
function lengthWidth(type: number): number {
  if (type >= 0x90 && type <= 0xbf) return 0; // fixarray, fixstr
  switch (type) {
    case 0xc4: // bin 8
    case 0xd9: // str 8
      return 1;
    case 0xc5: // bin 16
    case 0xda: // str 16
    case 0xdc: // array 16
      return 2;
    case 0xc6: // bin 32
    case 0xdb: // str 32
    case 0xdd: // array 32
      return 4;
    case FLOAT64:
    case 0xcc: // uint 8
    case 0xcd: // uint 16
    case 0xce: // uint 32
      return 0;
    default:
      return -1;
  }
}

/** Bytes behind a type without a length field, or the elements of a fixarray. */
function fixedSize(type: number): number {
  if (type >= 0x90 && type <= 0x9f) return type & 0x0f;
  if (type >= 0xa0 && type <= 0xbf) return type & 0x1f;
  if (type === 0xcc) return 1;
  if (type === 0xcd) return 2;
  return type === 0xce ? 4 : 8;
}

function readUint(bytes: Uint8Array, at: number, width: number): number {
  let value = 0;
  for (let i = 0; i < width; i += 1) value = value * 256 + (bytes[at + i] ?? 0);
  return value;
}
