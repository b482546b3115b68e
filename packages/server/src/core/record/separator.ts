/**
 * The line between two records: `🐵🙈🙉`, with an LF before it and one behind. In a file that went through an editor with
 * CR LF line ends, the line has them too.
 */
/** The first of its bytes; rare in traffic, and looking for one byte is several times faster than for all. */
export const SEPARATOR_FIRST_BYTE = 0xf0;
const MONKEYS: Uint8Array = Buffer.from("🐵🙈🙉");
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
