/**
 * The words behind gor's four fields in a record's first line, in this order, each only when there is something to say:
 *
 *     ambiguous      the message can be read in two ways
 *     bytes=N        the payload's length, of a message that had the separator line in it
 *     restore=LINE   the field line, in base64url, that stood in the place of the one for chunks
 *     context=…      what is known of the exchange, see `context-word.ts`
 *
 * gor looks at four fields and passes the rest on. Readers take words by their name and pass over those they do not know.
 */
export const AMBIGUOUS_WORD = "ambiguous";
export const BYTES_WORD = "bytes=";
export const RESTORE_WORD = "restore=";
export const CONTEXT_WORD = "context=";

const SPACE = 0x20;
/** Digits of a length: more cannot be held. */
const LENGTH_DIGITS_MAX = 12;

/** Filled in place. Places are in the bytes that were read; -1 when the word is not there. */
export class Words {
  ambiguous = false;
  payloadBytes = -1;
  restoreStart = -1;
  restoreEnd = -1;
  contextStart = -1;
  contextEnd = -1;

  clear(): void {
    this.ambiguous = false;
    this.payloadBytes = -1;
    this.restoreStart = -1;
    this.contextStart = -1;
  }

  /** The words in `bytes[from..to)`; of two with one name the first counts. */
  read(bytes: Uint8Array, from: number, to: number): void {
    for (let start = from; start < to;) {
      let end = start;
      while (end < to && (bytes[end] ?? 0) > SPACE) end += 1;
      if (end > start) this.#take(bytes, start, end);
      start = end + 1;
    }
  }

  #take(bytes: Uint8Array, start: number, end: number): void {
    if (starts(bytes, start, end, CONTEXT_WORD)) {
      if (this.contextStart >= 0) return;
      this.contextStart = start + CONTEXT_WORD.length;
      this.contextEnd = end;
    } else if (starts(bytes, start, end, BYTES_WORD)) {
      if (this.payloadBytes < 0)
        this.payloadBytes = lengthOf(bytes, start + BYTES_WORD.length, end);
    } else if (starts(bytes, start, end, RESTORE_WORD)) {
      if (this.restoreStart >= 0) return;
      this.restoreStart = start + RESTORE_WORD.length;
      this.restoreEnd = end;
    } else if (end - start === AMBIGUOUS_WORD.length && starts(bytes, start, end, AMBIGUOUS_WORD)) {
      this.ambiguous = true;
    }
  }
}

function starts(bytes: Uint8Array, start: number, end: number, word: string): boolean {
  if (end - start < word.length) return false;
  for (let i = 0; i < word.length; i += 1)
    if (bytes[start + i] !== word.charCodeAt(i)) return false;
  return true;
}

/** -1 when it is no plain number. */
function lengthOf(bytes: Uint8Array, start: number, end: number): number {
  if (end === start || end - start > LENGTH_DIGITS_MAX) return -1;
  let length = 0;
  for (let at = start; at < end; at += 1) {
    const digit = (bytes[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    length = length * 10 + digit;
  }
  return length;
}
