/**
 * Records straight into bytes: what `packRecords` gives for a list of them, written one by one as they come, so that a
 * producer keeps no records, only bytes. In: records. Out: frames whose header is left blank for the session to fill.
 *
 * What it writes, a receiver takes: a record that breaks a bound of the wire is refused here, and fields come in the order of
 * their table (`schema.ts`), each with its position, or nothing is written.
 *
 * It refuses to know about frames' sequence, sockets and time. Why not msgpackr here: it packs a whole batch at once, so
 * everything in the batch must be kept alive until then (arrays, strings, the objects behind them), which costs a busy
 * producer more in collecting garbage than in packing.
 */
import { paddingBytes } from "./check-payload.ts";
import { FRAME_HEADER_BYTES } from "../limits.ts";
import { FRAME_PAYLOAD_BYTES_MAX, HEADER_FIELDS_MAX, HEAD_BYTES_MAX } from "../limits.ts";
import type { WireRecord } from "./record.ts";
import { CHAR_BYTES_MAX, FLOAT64, NIL, VALUE_BYTES_MAX } from "./msgpack.ts";
import { bytesHeadBytes, textHeadBytes, viewOf } from "./msgpack.ts";
import { PADDING, fieldsRequired, misplaced } from "./schema.ts";
import type { RecordTable } from "./schema.ts";
import { BUFFER_BYTES_START, SpareBuffers } from "./spare-buffers.ts";

/** In front of the records: the frame's header, then room for the widest head of a list. */
const LIST_HEAD_BYTES_MAX = 5;
const RECORDS_AT = FRAME_HEADER_BYTES + LIST_HEAD_BYTES_MAX;
/** Up to here a loop in JavaScript is faster than a call into Node's native writer (measured: 24 characters, about equal). */
const LOOP_CHARS_MAX = 24;

type Value = WireRecord[number];

export class PayloadWriter {
  /** Records written since the last `take`. */
  records = 0;
  readonly #spares: SpareBuffers = new SpareBuffers();
  #buffer: Buffer = this.#spares.take();
  #view: DataView = viewOf(this.#buffer);
  #at: number = RECORDS_AT;
  /** Where the records that are whole end: the one under way begins here. */
  #start: number = RECORDS_AT;
  /** Values of the records that are whole, and of the one under way. */
  #wholeValues = 0;
  #values = 0;
  /** The record under way: its table, the position that is due, and whether it breaks a bound. */
  #table: RecordTable = PADDING;
  #due = 0;
  #unfit = false;

  /** Bytes of the records written since the last `take`. */
  get bytes(): number {
    return this.#start - RECORDS_AT;
  }

  /**
   * Writes one record; false, with nothing written, when it breaks a bound of the wire, or the frame under way has no room
   * for it: take that and try again; when it was empty, no frame can hold this record.
   */
  append(record: WireRecord): boolean {
    this.#begin(record.length);
    for (let i = 0; i < record.length; i += 1) this.#value(record[i]);
    return this.#end();
  }

  /**
   * Begins a record of this table; the calls that follow give its fields in the table's order, each with its position; then
   * `end`. One never ended is forgotten. Fields at the tail that have a value when they are absent may be left out.
   */
  begin(table: RecordTable): void {
    this.#begin(table.fields.length + 1);
    this.#table = table;
    this.#due = 1;
    this.#number(table.type);
  }

  /** As `append`: false, with nothing written, when the record is not fit or there is no room. */
  end(): boolean {
    const { fields } = this.#table;
    if (this.#due <= fields.length) {
      if (this.#due <= fieldsRequired(this.#table))
        throw new RangeError(misplaced(this.#table, this.#due));
      for (let i = this.#due - 1; i < fields.length; i += 1)
        this.#value(fields[i]?.[2]?.absent ?? null);
    }
    return this.#end();
  }

  #begin(length: number): void {
    this.#at = this.#start;
    this.#unfit = false;
    this.#values = length + 1;
    this.#list(length);
  }

  #end(): boolean {
    if (this.#unfit || this.#at - FRAME_HEADER_BYTES > FRAME_PAYLOAD_BYTES_MAX) {
      this.#at = this.#start;
      return false;
    }
    this.#start = this.#at;
    this.#wholeValues += this.#values;
    this.records += 1;
    return true;
  }

  /** A field out of its turn is an error of the caller's, in whatever version: nothing of the record may go out. */
  #place(at: number): void {
    if (at !== this.#due) throw new RangeError(misplaced(this.#table, this.#due));
    this.#due = at + 1;
  }

  /** Forgets the records so far. */
  reset(): void {
    this.#at = RECORDS_AT;
    this.#start = RECORDS_AT;
    this.#wholeValues = 0;
    this.records = 0;
  }

  /** The records so far as one frame, `FRAME_HEADER_BYTES` blank in front; starts a new one. The frame is the caller's. */
  take(): Uint8Array {
    this.#pad();
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
      if (isGrown) this.#use(this.#spares.take());
      const frame = Buffer.allocUnsafeSlow(end - start);
      buffer.copy(frame, 0, start, end);
      return frame;
    }
    this.#use(this.#spares.take());
    return buffer.subarray(start, end);
  }

  /** Takes back a frame that nobody needs any more. */
  recycle(frame: Uint8Array): void {
    this.#spares.give(frame);
  }

  number(at: number, value: number): void {
    this.#place(at);
    this.#number(value);
  }

  text(at: number, text: string): void {
    this.#place(at);
    this.#text(text);
  }

  textOrNull(at: number, text: string | null): void {
    this.#place(at);
    if (text === null) this.#nil();
    else this.#text(text);
  }

  texts(at: number, list: readonly string[]): void {
    this.#place(at);
    this.#texts(list);
  }

  textsOrNull(at: number, list: readonly string[] | null): void {
    this.#place(at);
    if (list === null) this.#nil();
    else this.#texts(list);
  }

  bytesOrNull(at: number, bytes: Uint8Array | null): void {
    this.#place(at);
    if (bytes === null) this.#nil();
    else this.#bytes(bytes);
  }

  /** What `bytesOrNull` writes for the text's bytes in UTF-8. */
  textAsBytes(at: number, text: string): void {
    this.#place(at);
    this.#reserve(VALUE_BYTES_MAX + text.length * CHAR_BYTES_MAX);
    if (text.length <= LOOP_CHARS_MAX && this.#ascii(text, this.#at + 2)) {
      this.#sized(0xc4, text.length, 1);
      this.#at += text.length;
      return;
    }
    const start = this.#at;
    const guess = bytesHeadBytes(text.length);
    let length = this.#buffer.write(text, start + guess, "utf8");
    const headBytes = bytesHeadBytes(length);
    if (headBytes !== guess) length = this.#buffer.write(text, start + headBytes, "utf8");
    this.#bytesHead(length);
    this.#at = start + headBytes + length;
  }

  /** Receivers before minor version 3 refuse frames of too many values for their bytes: these get a record of nothing. */
  #pad(): void {
    const size = this.#start - RECORDS_AT;
    const bytes = paddingBytes(this.#wholeValues + 1, size);
    if (bytes === 0 || size + bytes > FRAME_PAYLOAD_BYTES_MAX - 2 * VALUE_BYTES_MAX) return;
    this.#begin(PADDING.fields.length + 1);
    this.#number(PADDING.type);
    this.#bytes(new Uint8Array(bytes));
    this.#end();
  }

  #number(value: number): void {
    this.#reserve(VALUE_BYTES_MAX);
    const view = this.#view;
    const at = this.#at;
    if (value >>> 0 !== value) {
      if (!(value >= 0 && value <= Number.MAX_SAFE_INTEGER)) this.#unfit = true;
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

  #text(text: string): void {
    if (text.length > HEAD_BYTES_MAX) this.#unfit = true;
    else this.#item(text);
  }

  /** One of a list, where only the frame bounds its length. */
  #item(text: string): void {
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

  #texts(list: readonly string[]): void {
    const { length } = list;
    if (length > HEADER_FIELDS_MAX * 2 || length % 2 !== 0) {
      this.#unfit = true;
      return;
    }
    this.#values += length;
    this.#list(length);
    for (let i = 0; i < length; i += 1) this.#item(list[i] ?? "");
  }

  #bytes(bytes: Uint8Array): void {
    this.#reserve(VALUE_BYTES_MAX + bytes.length);
    this.#bytesHead(bytes.length);
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.length;
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
    if (typeof value === "number") this.#number(value);
    else if (typeof value === "string") this.#text(value);
    else if (value === null || value === undefined) this.#nil();
    else if (value instanceof Uint8Array) this.#bytes(value);
    else this.#texts(value);
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
