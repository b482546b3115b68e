/** Bytes to lines of UTF-8 text, one at a time. In: a source. Out: lines without their ends. */
import type { ByteSource } from "../../files/sources/plain-source.ts";

const LF = 0x0a;
/** Node makes no longer strings: half a gigabyte. */
const LINE_BYTES_MAX: number = 512 * 1024 * 1024 - 1024;

export async function* linesOf(
  source: ByteSource,
  fault: (explanation: string) => void,
): AsyncGenerator<string> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let isTooLong = false;
  const take = (last: Buffer): string => {
    const line = held.length === 0 ? last : Buffer.concat([...held, last]);
    const text = isTooLong ? "" : line.toString("utf8");
    held = [];
    heldBytes = 0;
    isTooLong = false;
    return text;
  };
  for (;;) {
    let piece: Buffer | undefined;
    try {
      piece = await source.next();
    } catch (error) {
      fault(error instanceof Error ? error.message : String(error));
    }
    if (piece === undefined) break;
    let start = 0;
    for (let at = piece.indexOf(LF); at >= 0; at = piece.indexOf(LF, start)) {
      yield take(piece.subarray(start, at));
      start = at + 1;
    }
    heldBytes += piece.length - start;
    if (heldBytes > LINE_BYTES_MAX) {
      if (!isTooLong) fault("a line is longer than half a gigabyte");
      isTooLong = true;
      held = [];
    } else held.push(piece.subarray(start));
  }
  if (heldBytes > 0) yield take(Buffer.alloc(0));
}
