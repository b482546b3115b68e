/**
 * The line between two records: `🐵🙈🙉`, with an LF before it and one behind. In a file that went through an editor with
 * CR LF line ends, the line has them too.
 */
/** The first of its bytes; rare in traffic, and looking for one byte is several times faster than for all. */
export const SEPARATOR_FIRST_BYTE = 0xf0;
/** Twelve bytes. */
export const MONKEYS: Buffer = Buffer.from("🐵🙈🙉");
/** CR, LF, monkeys, CR, LF. */
export const SEPARATOR_BYTES_MAX: number = MONKEYS.length + 4;
/** As text of one character a byte. */
export const SEPARATOR_LATIN1: string = `\n${Buffer.from(MONKEYS).toString("latin1")}\n`;
/** As written: LF, three monkeys, LF. */
export const SEPARATOR: Uint8Array = Buffer.from(SEPARATOR_LATIN1, "latin1");

const LF = 0x0a;
const CR = 0x0d;

/** The index behind the line whose monkeys start at `at`, LF included; -1 when there is no such line, or not all of it. */
export function separatorEnd(bytes: Uint8Array, at: number): number {
  const { length } = MONKEYS;
  if (at + length >= bytes.length) return -1;
  for (let i = 1; i < length; i += 1) if (bytes[at + i] !== MONKEYS[i]) return -1;
  const next = bytes[at + length];
  if (next === LF) return at + length + 1;
  return next === CR && bytes[at + length + 1] === LF ? at + length + 2 : -1;
}

/** How many bytes at the end of `bytes` are the beginning of a separator that was cut off, 2 at least. */
export function cutSeparatorLength(bytes: Uint8Array): number {
  for (let length = Math.min(SEPARATOR.length - 1, bytes.length); length >= 2; length -= 1) {
    let same = 0;
    const start = bytes.length - length;
    while (same < length && bytes[start + same] === SEPARATOR[same]) same += 1;
    if (same === length) return length;
  }
  return 0;
}

/** True when a record that holds these bytes would show a separator line within, at their start or at their end. */
export function showsSeparator(payload: Uint8Array): boolean {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
  for (let at = bytes.indexOf(MONKEYS); at >= 0; at = bytes.indexOf(MONKEYS, at + 1)) {
    // The first line's LF stands before the payload, the separator's behind it.
    if (at > 0 && bytes[at - 1] !== LF) continue;
    let next = at + MONKEYS.length;
    if (bytes[next] === CR) next += 1;
    if (next >= bytes.length || bytes[next] === LF) return true;
  }
  return false;
}

/** True when the monkeys stand somewhere in these bytes: what `showsSeparator` looks closer at. */
export function hasMonkeys(piece: Uint8Array): boolean {
  const first = piece.indexOf(SEPARATOR_FIRST_BYTE);
  if (first < 0) return false;
  return Buffer.from(piece.buffer, piece.byteOffset, piece.length).includes(MONKEYS, first);
}

/** What stands at `at`: the index behind a whole separator as we write it, 0 when its rest has not come, -1 when something else. */
export function separatorAt(bytes: Uint8Array, at: number): number {
  const end = Math.min(bytes.length, at + SEPARATOR.length);
  for (let i = at; i < end; i += 1) if (bytes[i] !== SEPARATOR[i - at]) return -1;
  return end - at === SEPARATOR.length ? end : 0;
}
