/**
 * Records straight into bytes: what `packRecords` gives for a list of them, written one by one as they come, so that a
 * producer keeps no records, only bytes. In: records. Out: frames whose header is left blank for the session to fill.
 *
 * It refuses to know about frames' sequence, sockets and time. Why not msgpackr here: it packs a whole batch at once, so
 * everything in the batch must be kept alive until then (arrays, strings, the objects behind them), which costs a busy
 * producer more in collecting garbage than in packing.
 */
import { FRAME_HEADER_BYTES } from "./frame.ts";
import { FRAME_PAYLOAD_BYTES_MAX } from "./limits.ts";
import type { WireRecord } from "./record.ts";

/** In front of the records: the frame's header, then room for the widest head of a list. */
const LIST_HEAD_BYTES_MAX = 5;
const RECORDS_AT = FRAME_HEADER_BYTES + LIST_HEAD_BYTES_MAX;
/** Bytes of a buffer: a batch and some room. It grows for a large record, and the next one is of this size again. */
const BUFFER_BYTES_START = 160 * 1024;
/** Buffers kept for use again: as many as are under way between a busy producer and its acknowledgements. */
const SPARE_BUFFERS_MAX = 4;
/** The most that any value needs beside its content: its type and a length of four bytes, or a double. */
const VALUE_BYTES_MAX = 9;
/** The most bytes that one character of a string needs in UTF-8. */
const CHAR_BYTES_MAX = 3;
/** Up to here a loop in JavaScript is faster than a call into Node's native writer (measured: 24 characters, about equal). */
const LOOP_CHARS_MAX = 24;

const NIL = 0xc0;
const FLOAT64 = 0xcb;

type Value = WireRecord[number];

export class PayloadWriter {
  /** Records written since the last `take`. */
  records = 0;
  #buffer: Buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES_START);
  #view: DataView = viewOf(this.#buffer);
  readonly #spare: Buffer[] = [];
  #at: number = RECORDS_AT;
  /** Where the records that are whole end: the one under way begins here. */
  #start: number = RECORDS_AT;

  /** Bytes of the records written since the last `take`. */
  get bytes(): number {
    return this.#start - RECORDS_AT;
  }

  /**
   * Writes one record; false, with nothing written, when the frame under way has no room for it: take that and try
   * again; when it was empty, no frame can hold this record.
   */
  append(record: WireRecord): boolean {
    this.begin(record.length);
    for (let i = 0; i < record.length; i += 1) this.#value(record[i]);
    return this.end();
  }

  /** Begins a record of so many values, which the calls that follow give in order; then `end`. One never ended is forgotten. */
  begin(length: number): void {
    this.#at = this.#start;
    this.#list(length);
  }

  /** As `append`: false, with nothing written, when there is no room. */
  end(): boolean {
    if (this.#at - FRAME_HEADER_BYTES > FRAME_PAYLOAD_BYTES_MAX) {
      this.#at = this.#start;
      return false;
    }
    this.#start = this.#at;
    this.records += 1;
    return true;
  }

  /** Forgets the records so far. */
  reset(): void {
    this.#at = RECORDS_AT;
    this.#start = RECORDS_AT;
    this.records = 0;
  }

  /** The records so far as one frame, `FRAME_HEADER_BYTES` blank in front; starts a new one. The frame is the caller's. */
  take(): Uint8Array {
    const count = this.records;
    const headBytes = count < 0x10 ? 1 : count < 0x1_0000 ? 3 : LIST_HEAD_BYTES_MAX;
    const start = RECORDS_AT - headBytes - FRAME_HEADER_BYTES;
    const end = this.#start;
    this.#at = RECORDS_AT - headBytes;
    this.#list(count);
    this.reset();
    const buffer = this.#buffer;
    const isGrown = buffer.length > BUFFER_BYTES_START;
    // A frame that fills its buffer takes it along; a small one would hold too much memory that nobody counts.
    if (isGrown || (end - start) * 2 < buffer.length) {
      if (isGrown) this.#use(this.#spare.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES_START));
      const frame = Buffer.allocUnsafeSlow(end - start);
      buffer.copy(frame, 0, start, end);
      return frame;
    }
    this.#use(this.#spare.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES_START));
    return buffer.subarray(start, end);
  }

  /**
   * Takes back a frame that nobody needs any more. New memory for each frame costs more than filling it: the system clears
   * every page, and the garbage collector is driven by bytes that it does not manage.
   */
  recycle(frame: Uint8Array): void {
    const { buffer } = frame;
    if (buffer.byteLength === BUFFER_BYTES_START && this.#spare.length < SPARE_BUFFERS_MAX)
      this.#spare.push(Buffer.from(buffer));
  }

  number(value: number): void {
    this.#reserve(VALUE_BYTES_MAX);
    const view = this.#view;
    const at = this.#at;
    if (value >>> 0 !== value) {
      view.setUint8(at, FLOAT64);
      view.setFloat64(at + 1, value);
      this.#at = at + 9;
    } else if (value < 0x80) {
      view.setUint8(at, value);
      this.#at = at + 1;
    } else if (value < 0x100) this.#sized(0xcc, value, 1);
    else if (value < 0x1_0000) this.#sized(0xcd, value, 2);
    else this.#sized(0xce, value, 4);
  }

  text(text: string): void {
    const { length } = text;
    this.#reserve(VALUE_BYTES_MAX + length * CHAR_BYTES_MAX);
    if (length > LOOP_CHARS_MAX) {
      this.#longText(text);
      return;
    }
    if (this.#ascii(text, this.#at + 1)) {
      this.#buffer[this.#at] = 0xa0 | length;
      this.#at += 1 + length;
    } else this.#longText(text);
  }

  textOrNull(text: string | null): void {
    if (text === null) this.#nil();
    else this.text(text);
  }

  texts(list: readonly string[]): void {
    this.#list(list.length);
    for (let i = 0; i < list.length; i += 1) this.text(list[i] ?? "");
  }

  textsOrNull(list: readonly string[] | null): void {
    if (list === null) this.#nil();
    else this.texts(list);
  }

  bytesOrNull(bytes: Uint8Array | null): void {
    if (bytes === null) {
      this.#nil();
      return;
    }
    this.#reserve(VALUE_BYTES_MAX + bytes.length);
    this.#bytesHead(bytes.length);
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** What `bytesOrNull` writes for the text's bytes in UTF-8. */
  textAsBytes(text: string): void {
    this.#reserve(VALUE_BYTES_MAX + text.length * CHAR_BYTES_MAX);
    if (text.length <= LOOP_CHARS_MAX && this.#ascii(text, this.#at + 2)) {
      this.#sized(0xc4, text.length, 1);
      this.#at += text.length;
      return;
    }
    const start = this.#at;
    const guess = bytesHeadBytes(text.length);
    let length = this.#utf8(text, start + guess);
    const headBytes = bytesHeadBytes(length);
    if (headBytes !== guess) length = this.#utf8(text, start + headBytes);
    this.#bytesHead(length);
    this.#at = start + headBytes + length;
  }

  /** Writes one byte a character; false when that is not enough for all of them. */
  #ascii(text: string, start: number): boolean {
    const buffer = this.#buffer;
    const { length } = text;
    let seen = 0;
    for (let i = 0; i < length; i += 1) {
      const code = text.charCodeAt(i);
      seen |= code;
      buffer[start + i] = code;
    }
    return seen < 0x80;
  }

  #utf8(text: string, start: number): number {
    return this.#buffer.write(text, start, "utf8");
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes > this.#buffer.length) this.#grow(bytes);
  }

  #grow(bytes: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#at + bytes));
    this.#buffer.copy(grown, 0, 0, this.#at);
    this.#use(grown);
  }

  #use(buffer: Buffer): void {
    this.#buffer = buffer;
    this.#view = viewOf(buffer);
  }

  #value(value: Value | undefined): void {
    if (typeof value === "number") this.number(value);
    else if (typeof value === "string") this.text(value);
    else if (value === null || value === undefined) this.#nil();
    else if (value instanceof Uint8Array) this.bytesOrNull(value);
    else this.texts(value);
  }

  #nil(): void {
    this.#reserve(VALUE_BYTES_MAX);
    this.#byte(NIL);
  }

  #byte(value: number): void {
    this.#buffer[this.#at] = value;
    this.#at += 1;
  }

  #list(length: number): void {
    this.#reserve(VALUE_BYTES_MAX);
    if (length < 0x10) this.#byte(0x90 | length);
    else if (length < 0x1_0000) this.#sized(0xdc, length, 2);
    else this.#sized(0xdd, length, 4);
  }

  /** A type and a number of `width` bytes. */
  #sized(type: number, value: number, width: 1 | 2 | 4): void {
    const view = this.#view;
    const at = this.#at;
    view.setUint8(at, type);
    if (width === 1) view.setUint8(at + 1, value);
    else if (width === 2) view.setUint16(at + 1, value);
    else view.setUint32(at + 1, value);
    this.#at = at + 1 + width;
  }

  #longText(text: string): void {
    const start = this.#at;
    // The head that fits when all is ASCII, which is the rule; the text is written again behind a wider one.
    const guess = textHeadBytes(text.length);
    let length = this.#utf8(text, start + guess);
    const headBytes = textHeadBytes(length);
    if (headBytes !== guess) length = this.#utf8(text, start + headBytes);
    this.#textHead(length);
    this.#at = start + headBytes + length;
  }

  #textHead(length: number): void {
    if (length < 0x20) this.#byte(0xa0 | length);
    else if (length < 0x100) this.#sized(0xd9, length, 1);
    else if (length < 0x1_0000) this.#sized(0xda, length, 2);
    else this.#sized(0xdb, length, 4);
  }

  #bytesHead(length: number): void {
    if (length < 0x100) this.#sized(0xc4, length, 1);
    else if (length < 0x1_0000) this.#sized(0xc5, length, 2);
    else this.#sized(0xc6, length, 4);
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Buffer): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

function textHeadBytes(length: number): number {
  return length < 0x20 ? 1 : length < 0x100 ? 2 : length < 0x1_0000 ? 3 : 5;
}

function bytesHeadBytes(length: number): number {
  return length < 0x100 ? 2 : length < 0x1_0000 ? 3 : 5;
}
