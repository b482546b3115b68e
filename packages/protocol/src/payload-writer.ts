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
/** Bytes of the buffer between batches; it grows for a large record and shrinks again. */
const BUFFER_BYTES_START = 256 * 1024;
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
  #at: number = RECORDS_AT;
  /** Where the record under way began. */
  #start: number = RECORDS_AT;

  /** Bytes of the records written since the last `take`. */
  get bytes(): number {
    return this.#at - RECORDS_AT;
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

  /** Begins a record of so many values, which the calls that follow give in order; then `end`. */
  begin(length: number): void {
    this.#start = this.#at;
    this.#list(length);
  }

  /** As `append`: false, with nothing written, when there is no room. */
  end(): boolean {
    if (this.#at - FRAME_HEADER_BYTES > FRAME_PAYLOAD_BYTES_MAX) {
      this.#at = this.#start;
      return false;
    }
    this.records += 1;
    return true;
  }

  /** The records so far as one frame of its own memory, `FRAME_HEADER_BYTES` blank in front; starts a new one. */
  take(): Uint8Array {
    const count = this.records;
    const headBytes = count < 0x10 ? 1 : count < 0x1_0000 ? 3 : LIST_HEAD_BYTES_MAX;
    const end = this.#at;
    this.#at = RECORDS_AT - headBytes;
    this.#list(count);
    const frame = Buffer.allocUnsafeSlow(FRAME_HEADER_BYTES + headBytes + end - RECORDS_AT);
    this.#buffer.copy(frame, 0, RECORDS_AT - headBytes - FRAME_HEADER_BYTES, end);
    this.#at = RECORDS_AT;
    this.records = 0;
    if (this.#buffer.length > BUFFER_BYTES_START) {
      this.#use(Buffer.allocUnsafeSlow(BUFFER_BYTES_START));
    }
    return frame;
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
    const buffer = this.#buffer;
    const start = this.#at;
    let at = start + 1;
    let seen = 0;
    for (let i = 0; i < length; i += 1, at += 1) {
      const code = text.charCodeAt(i);
      seen |= code;
      buffer[at] = code;
    }
    // One byte a character, hence all of it was ASCII.
    if (seen < 0x80) {
      buffer[start] = 0xa0 | length;
      this.#at = at;
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
    const start = this.#at;
    const guess = bytesHeadBytes(text.length);
    let length = this.#buffer.write(text, start + guess, "utf8");
    const headBytes = bytesHeadBytes(length);
    if (headBytes !== guess) length = this.#buffer.write(text, start + headBytes, "utf8");
    this.#bytesHead(length);
    this.#at = start + headBytes + length;
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
    let length = this.#buffer.write(text, start + guess, "utf8");
    const headBytes = textHeadBytes(length);
    if (headBytes !== guess) length = this.#buffer.write(text, start + headBytes, "utf8");
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
