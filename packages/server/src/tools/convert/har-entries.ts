/**
 * Cuts the items of `log.entries` out of a HAR, so that no more than one of them is held. Sans-IO. In: the file's bytes, in
 * pieces. Out: the bytes of each item, by number, and at the end what is wrong with the whole.
 *
 * It looks at strings and brackets only: whether an item is JSON is for `JSON.parse` to say, and what else stands in the file
 * is passed over.
 */

/** Bytes of one item. A string of JavaScript holds twice that, and what is made of it as much again. */
export const HAR_ENTRY_BYTES_MAX: number = 256 * 1024 * 1024;
/** Of a name, as much as tells whether it is one of the two that matter. */
const NAME_BYTES_MAX = 16;

/** The depth of what the root, `log` and `entries` hold. */
const IN_ROOT = 1;
const IN_LOG = 2;
const IN_ENTRIES = 3;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_OBJECT = 0x7b;
const OPEN_LIST = 0x5b;
const CLOSE_OBJECT = 0x7d;
const CLOSE_LIST = 0x5d;

export interface HarItem {
  /** Its place in the list, from 0. */
  readonly index: number;
  /** Undefined when there were too many. */
  readonly bytes: Buffer | undefined;
}

export class HarEntries {
  readonly #entryBytesMax: number;
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** The last text at the depth of the root or of `log`, as bytes of one character each. */
  #name = "";
  #inLog = false;
  #inEntries = false;
  #found = false;
  #index = 0;
  /** Of the item under way. */
  #held: Buffer[] = [];
  #heldBytes = 0;

  constructor(entryBytesMax: number = HAR_ENTRY_BYTES_MAX) {
    this.#entryBytesMax = entryBytesMax;
  }

  /** The items that end in `piece`, which is held on to. */
  push(piece: Buffer): HarItem[] {
    const items: HarItem[] = [];
    let start = 0;
    for (let at = 0; at < piece.length; at += 1) {
      if (this.#inString) {
        at = this.#throughString(piece, at);
        continue;
      }
      const byte = piece[at] ?? 0;
      if (byte === QUOTE) this.#beginString();
      else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
        this.#open(byte);
        if (this.#inEntries && this.#depth === IN_ENTRIES) start = at + 1;
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST || byte === COMMA) {
        if (this.#inEntries && this.#depth === IN_ENTRIES) {
          this.#take(piece.subarray(start, at), items);
          start = at + 1;
        }
        if (byte !== COMMA) this.#close();
      }
    }
    if (this.#inEntries) this.#hold(piece.subarray(start));
    return items;
  }

  /** What is wrong with the file as a whole, or undefined. */
  end(): string | undefined {
    if (!this.#found) return "is no HAR: it has no log.entries";
    if (this.#inEntries) return `ends in the middle, after ${this.#index} entries`;
    return undefined;
  }

  get found(): boolean {
    return this.#found;
  }

  #beginString(): void {
    this.#inString = true;
    if (this.#depth <= IN_LOG) this.#name = "";
  }

  /** Returns the place of the string's end, or the last place there is. */
  #throughString(piece: Buffer, from: number): number {
    const keepsName = this.#depth <= IN_LOG;
    for (let at = from; at < piece.length; at += 1) {
      const byte = piece[at] ?? 0;
      if (this.#escaped) this.#escaped = false;
      else if (byte === BACKSLASH) this.#escaped = true;
      else if (byte === QUOTE) {
        this.#inString = false;
        return at;
      }
      if (keepsName && this.#name.length < NAME_BYTES_MAX) this.#name += String.fromCharCode(byte);
    }
    return piece.length;
  }

  #open(byte: number): void {
    if (byte === OPEN_OBJECT && this.#depth === IN_ROOT && this.#name === "log") this.#inLog = true;
    if (byte === OPEN_LIST && this.#depth === IN_LOG && this.#inLog && this.#name === "entries") {
      this.#inEntries = true;
      this.#found = true;
    }
    this.#depth += 1;
  }

  #close(): void {
    this.#depth -= 1;
    if (this.#depth < IN_ENTRIES) this.#inEntries = false;
    if (this.#depth < IN_LOG) this.#inLog = false;
  }

  #hold(bytes: Buffer): void {
    this.#heldBytes += bytes.length;
    if (this.#heldBytes > this.#entryBytesMax) this.#held = [];
    else if (bytes.length > 0) this.#held.push(bytes);
  }

  /** The item ends with these bytes. An empty list has none. */
  #take(last: Buffer, items: HarItem[]): void {
    this.#hold(last);
    const isTooLarge = this.#heldBytes > this.#entryBytesMax;
    const [only] = this.#held;
    const bytes = this.#held.length === 1 && only !== undefined ? only : Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    if (!isTooLarge && bytes.every(isSpace)) return;
    items.push({ index: this.#index, bytes: isTooLarge ? undefined : bytes });
    this.#index += 1;
  }
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}
