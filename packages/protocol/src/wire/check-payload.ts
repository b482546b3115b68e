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
} from "../limits.ts";

/** What a type byte says: the bytes that follow it, as a number below 32, and these. */
const SIZED = 0x20; // the number is that of the bytes of a length field
const LIST = 0x40; // what is told is elements, not bytes
const OBJECT = 0x80; // a list or a byte string: an object of its own once it is unpacked
const SIZE_MASK = 0x1f;
const REFUSED = 0xff;

const LONGER: Readonly<Record<number, number>> = {
  0xc4: OBJECT | SIZED | 1, // bytes
  0xc5: OBJECT | SIZED | 2,
  0xc6: OBJECT | SIZED | 4,
  0xcb: 8, // float64
  0xcc: 1, // unsigned numbers
  0xcd: 2,
  0xce: 4,
  0xd9: SIZED | 1, // strings
  0xda: SIZED | 2,
  0xdb: SIZED | 4,
  0xdc: OBJECT | LIST | SIZED | 2, // lists
  0xdd: OBJECT | LIST | SIZED | 4,
};

/** Looked up, because a walk visits each value of each frame. */
const SHAPES: Uint8Array = new Uint8Array(256).map((_, type) => {
  if (type <= 0x7f || type === 0xc0) return 0; // small number, nil
  if (type >= 0x90 && type <= 0x9f) return OBJECT | LIST | (type & 0x0f);
  if (type >= 0xa0 && type <= 0xbf) return type & 0x1f; // short string
  return LONGER[type] ?? REFUSED;
});

/** What one walk has counted; one for all, so that a walk allocates nothing. */
const walked = { values: 0 };
/** Values still expected of the lists around the one that is walked. */
const around = [0, 0, 0];

export function checkPayload(bytes: Uint8Array): string | undefined {
  const length = bytes.length;
  const objectsMax = PAYLOAD_OBJECTS_BASE + Math.floor(length / PAYLOAD_BYTES_PER_OBJECT_MIN);
  let objects = 0;
  let values = 0;
  // Values still expected of the list that is walked.
  let left = 1;
  let depth = 0;
  let at = 0;
  for (;;) {
    while (left === 0) {
      walked.values = values;
      if (depth === 0) return at === length ? undefined : "bytes behind the value";
      depth -= 1;
      left = around[depth] ?? 0;
    }
    left -= 1;
    if (at >= length) return "value ends early";
    values += 1;
    const shape = SHAPES[bytes[at] ?? 0] ?? REFUSED;
    if (shape === REFUSED) return `type 0x${bytes[at]?.toString(16)} is not used by this protocol`;
    at += 1;
    if (shape === 0) continue;
    let size = shape & SIZE_MASK;
    if ((shape & SIZED) !== 0) {
      if (at + size > length) return "length ends early";
      const end = at + size;
      for (size = 0; at < end; at += 1) size = size * 256 + (bytes[at] ?? 0);
    }
    if ((shape & OBJECT) !== 0 && ++objects > objectsMax) return "too many lists and byte strings";
    const list = (shape & LIST) !== 0;
    if (size > length - at) return `${list ? "list" : "value"} is longer than the payload`;
    if (!list) at += size;
    else if (depth === PAYLOAD_DEPTH_MAX) return "nested too deeply";
    else {
      around[depth] = left;
      depth += 1;
      left = size;
    }
  }
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
