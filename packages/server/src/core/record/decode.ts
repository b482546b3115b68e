/**
 * gor's record format, reading side, streaming. In: bytes in any pieces. Out: messages with their times; what is no record
 * is skipped and told with its place, and costs no record before or behind it.
 *
 * Payloads are views on the bytes that were pushed, so these must not be used again. A record ends at the first separator
 * line, unless its first line says how long its payload is and a separator follows exactly there (or one LF later, which gor's
 * TCP input adds): then what stands in between is not looked at. A length that is not right is told, and not followed.
 */
import type { Message } from "@mirrorball/protocol";
import { HeldBytes } from "../memory/held-bytes.ts";
import { META_BYTES_MAX, MetaLine, readMeta } from "./meta.ts";
import { isBlank, isWholeMessage, recordEnd } from "./record-bytes.ts";
import { RecordMessages } from "./record-message.ts";
import {
  SEPARATOR_BYTES_MAX,
  SEPARATOR_FIRST_BYTE,
  cutSeparatorLength,
  separatorAt,
  separatorEnd,
} from "./separator.ts";

const LF = 0x0a;
/** Bytes of one record: five times the largest body known from recordings, and no more than a process can hold. */
export const RECORD_BYTES_MAX: number = 512 * 1024 * 1024;

/** Parallel lists, so that times need no object a record. */
export interface DecodedRecords {
  readonly messages: Message[];
  /** Nanoseconds since the decoder's epoch, exact within 104 days of it. */
  readonly timesNs: number[];
}

/**
 * `bad-record`: it does not start with a record's first line. `cut-off-record`: the end is missing. `empty-record`: nothing
 * behind the first line. `oversized-record`: larger than the limit.
 */
export type SkipReason = "bad-record" | "cut-off-record" | "empty-record" | "oversized-record";

export interface RecordDecoderOptions {
  /** Told of everything skipped: where it starts, counted in bytes from the first one pushed. */
  readonly skipped: (reason: SkipReason, offset: number, bytes: number) => void;
  /** Told of each length that was not followed, which costs no record: a gor that rewrote the message keeps the word. */
  readonly staleLength?: (offset: number) => void;
  /** What the times count from, in seconds since the Unix epoch. */
  readonly epochSeconds?: number;
  readonly recordBytesMax?: number;
}

/**
 * Bytes that may be copied to look at lengths, for each byte pushed: a hostile file whose every record claims megabytes is read
 * like one without lengths from then on.
 */
const LENGTH_COPIES_MAX = 8;
/** What any file may copy. */
const LENGTH_COPIED_BYTES_FREE: number = 2 * RECORD_BYTES_MAX;

/** What the held bytes wait for: the end of their first line, so many bytes in all, or a separator. */
type Wait = "line" | "length" | "separator";

export class RecordDecoder {
  readonly #skipped: RecordDecoderOptions["skipped"];
  readonly #epochSeconds: number;
  readonly #recordBytesMax: number;
  readonly #staleLength: (offset: number) => void;
  readonly #meta = new MetaLine();
  readonly #maker = new RecordMessages();
  /** Bytes pushed before the present piece. */
  #before = 0;
  /** Pieces of a record whose end has not come; empty while it is being skipped. */
  readonly #held = new HeldBytes();
  #heldBytes = 0;
  #skipping: SkipReason | undefined;
  #heldChecked = false;
  #wait: Wait = "separator";
  /** Bytes to hold before the record's length can be looked at. */
  #wantedBytes = 0;
  #pushedBytes = 0;
  #copiedBytes = 0;
  /** The last bytes of what is held: a separator may lie across two pieces. */
  #tail: Buffer = Buffer.alloc(0);

  constructor({ skipped, staleLength, epochSeconds, recordBytesMax }: RecordDecoderOptions) {
    this.#skipped = skipped;
    this.#staleLength = staleLength ?? (() => {});
    this.#epochSeconds = epochSeconds ?? 0;
    this.#recordBytesMax = recordBytesMax ?? RECORD_BYTES_MAX;
  }

  /** Bytes that wait for the end of their record. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** What that takes in memory. */
  get costBytes(): number {
    return this.#held.costBytes;
  }

  push(piece: Uint8Array, out: DecodedRecords): void {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.length);
    this.#pushedBytes += bytes.length;
    if (this.#heldBytes === 0) this.#records(bytes, 0, out, false);
    else if (this.#wait === "separator") {
      const start = this.#endHeld(bytes, out);
      if (start >= 0) this.#records(bytes, start, out, false);
      else {
        this.#hold(bytes, 0);
        this.#before += bytes.length;
      }
    } else if (this.#heldBytes + bytes.length < this.#wantedBytes) {
      this.#held.add(bytes);
      this.#heldBytes += bytes.length;
      this.#before += bytes.length;
    } else this.#records(this.#unheld(bytes), 0, out, false);
  }

  /** No more will come. A last record without a separator counts when it is whole. */
  end(out: DecodedRecords): void {
    // What waits for a length or the end of a line may be several records.
    if (this.#heldBytes > 0 && this.#wait !== "separator")
      this.#records(this.#unheld(Buffer.alloc(0)), 0, out, true);
    if (this.#heldBytes === 0) return;
    const offset = this.#before - this.#heldBytes;
    if (this.#skipping !== undefined) {
      this.#skipped(this.#skipping, offset, this.#heldBytes);
    } else {
      const bytes = this.#held.take();
      const rest = bytes.subarray(0, bytes.length - cutSeparatorLength(bytes));
      this.#takeLast(rest, offset, out);
    }
    this.#dropHeld();
  }

  /** What is held and what comes behind it, in one piece, as if it came now. */
  #unheld(bytes: Buffer): Buffer {
    this.#held.add(bytes);
    const whole = this.#held.take();
    this.#before -= this.#heldBytes;
    this.#copiedBytes += whole.length;
    this.#dropHeld();
    return whole;
  }

  /** Takes the records that end in `bytes`, and holds the rest. `isLast`: nothing comes behind it. */
  #records(bytes: Buffer, from: number, out: DecodedRecords, isLast: boolean): void {
    let start = from;
    while (start < bytes.length) {
      const isRecord = readMeta(bytes, start, bytes.length, this.#meta);
      const isWhole = isRecord ? this.#meta.whole : bytes.indexOf(LF, start) >= 0;
      if (!isWhole && !isLast && bytes.length - start <= META_BYTES_MAX) {
        this.#holdFor("line", bytes, start, 0);
        break;
      }
      const next =
        isRecord && isWhole && this.#meta.words.payloadBytes > 0
          ? this.#byLength(bytes, start, out, isLast)
          : this.#bySeparator(bytes, start, isRecord, out);
      if (next < 0) break;
      start = next;
    }
    this.#before += bytes.length;
  }

  /** The record that ends at the next separator; returns where the one behind it starts, or -1 when the rest is held. */
  #bySeparator(bytes: Buffer, start: number, isRecord: boolean, out: DecodedRecords): number {
    // A first line holds no separator; but a separator may be all there is.
    let at = isRecord ? this.#meta.end : start;
    for (;;) {
      const monkeys = bytes.indexOf(SEPARATOR_FIRST_BYTE, at);
      if (monkeys < 0) break;
      const end = separatorEnd(bytes, monkeys);
      if (end < 0 || (monkeys > start && bytes[monkeys - 1] !== LF)) {
        at = monkeys + 1;
        continue;
      }
      const stop = recordEnd(bytes, start, monkeys, end);
      this.#takeRead(bytes, start, stop, this.#before + start, isRecord, out);
      return end;
    }
    this.#hold(bytes, start);
    return -1;
  }

  /** The record whose first line, which has just been read, says how long its payload is. */
  #byLength(bytes: Buffer, start: number, out: DecodedRecords, isLast: boolean): number {
    const { end: payload, words } = this.#meta;
    const stop = payload + words.payloadBytes;
    const exact = separatorAt(bytes, stop);
    // gor's TCP input leaves the LF before the separator where it is.
    const later = bytes[stop] === LF ? separatorAt(bytes, stop + 1) : -1;
    const end = Math.max(exact, later);
    if (stop <= bytes.length && (end > 0 || (end === 0 && isLast))) {
      this.#emit(bytes, stop, true, out);
      return end > 0 ? end : bytes.length;
    }
    const isHopeless = end < 0 || isLast || this.#mayNotWait(stop - start);
    if (!isHopeless) {
      const wanted = Math.max(stop, bytes.length) + 1;
      this.#holdFor("length", bytes, start, wanted - start);
      return -1;
    }
    this.#staleLength(this.#before + start);
    return this.#bySeparator(bytes, start, true, out);
  }

  #mayNotWait(recordBytes: number): boolean {
    if (recordBytes > this.#recordBytesMax) return true;
    const copiesMax = this.#pushedBytes * LENGTH_COPIES_MAX + LENGTH_COPIED_BYTES_FREE;
    return this.#copiedBytes > copiesMax;
  }

  /** Ends the held record with what `bytes` begin with; returns where the next one starts, or -1. */
  #endHeld(bytes: Buffer, out: DecodedRecords): number {
    const tail = this.#tail;
    const seam = Buffer.concat([tail, bytes.subarray(0, SEPARATOR_BYTES_MAX)]);
    let monkeys = seam.indexOf(SEPARATOR_FIRST_BYTE);
    // The LF, or the CR LF, before the monkeys may be in either piece.
    while (monkeys >= 0 && monkeys <= tail.length + 1) {
      const end = separatorEnd(seam, monkeys);
      const isFirst = monkeys === 0 && this.#heldBytes === tail.length;
      if (end > tail.length && (isFirst || seam[monkeys - 1] === LF)) {
        const before = tail.length - recordEnd(seam, 0, monkeys, end);
        this.#takeHeld(undefined, before, out);
        return end - tail.length;
      }
      monkeys = seam.indexOf(SEPARATOR_FIRST_BYTE, monkeys + 1);
    }
    monkeys = bytes.indexOf(SEPARATOR_FIRST_BYTE);
    while (monkeys >= 0) {
      const end = separatorEnd(bytes, monkeys);
      if (end >= 0 && monkeys > 0 && bytes[monkeys - 1] === LF) {
        this.#takeHeld(bytes.subarray(0, recordEnd(bytes, 0, monkeys, end)), 0, out);
        return end;
      }
      monkeys = bytes.indexOf(SEPARATOR_FIRST_BYTE, monkeys + 1);
    }
    return -1;
  }

  /** The held record ends: with `last` appended, or `surplus` bytes before the end of what is held. */
  #takeHeld(last: Buffer | undefined, surplus: number, out: DecodedRecords): void {
    const offset = this.#before - this.#heldBytes;
    if (this.#skipping !== undefined) {
      this.#skipped(this.#skipping, offset, this.#heldBytes + (last?.length ?? 0));
    } else {
      if (last !== undefined) this.#held.add(last);
      const bytes = this.#held.take();
      this.#take(bytes, 0, bytes.length - surplus, offset, out);
    }
    this.#dropHeld();
  }

  #holdFor(wait: Wait, bytes: Buffer, start: number, wantedBytes: number): void {
    const rest = bytes.subarray(start);
    this.#held.add(rest);
    this.#heldBytes = rest.length;
    this.#wait = wait;
    this.#wantedBytes = wantedBytes;
  }

  #hold(bytes: Buffer, start: number): void {
    const rest = start === 0 ? bytes : bytes.subarray(start);
    this.#heldBytes += rest.length;
    const enough = rest.length >= SEPARATOR_BYTES_MAX;
    this.#tail = Buffer.from(
      (enough ? rest : Buffer.concat([this.#tail, rest])).subarray(-SEPARATOR_BYTES_MAX),
    );
    if (this.#skipping !== undefined) return;
    this.#held.add(rest);
    if (this.#heldBytes > this.#recordBytesMax) {
      this.#skip("oversized-record");
    } else if (!this.#heldChecked && this.#heldBytes > META_BYTES_MAX) {
      this.#heldChecked = true;
      if (!readMeta(this.#held.head(META_BYTES_MAX), 0, META_BYTES_MAX, this.#meta))
        this.#skip("bad-record");
    }
  }

  /** What is held is let go; its end is still looked for. */
  #skip(reason: SkipReason): void {
    this.#skipping = reason;
    this.#held.clear();
  }

  #dropHeld(): void {
    this.#held.clear();
    this.#heldBytes = 0;
    this.#heldChecked = false;
    this.#skipping = undefined;
    this.#wait = "separator";
    this.#tail = this.#tail.subarray(0, 0);
  }

  #take(bytes: Buffer, start: number, end: number, offset: number, out: DecodedRecords): void {
    this.#takeRead(bytes, start, end, offset, readMeta(bytes, start, end, this.#meta), out);
  }

  /** `isRecord`: its first line has been read. */
  #takeRead(
    bytes: Buffer,
    start: number,
    end: number,
    offset: number,
    isRecord: boolean,
    out: DecodedRecords,
  ): void {
    // Two separators in a row, or blank lines between them, are nobody's loss.
    if (isBlank(bytes, start, end)) return;
    if (!isRecord) this.#skipped("bad-record", offset, end - start);
    else if (this.#meta.end >= end) this.#skipped("empty-record", offset, end - start);
    else this.#emit(bytes, end, false, out);
  }

  #takeLast(bytes: Buffer, offset: number, out: DecodedRecords): void {
    const end = bytes.length;
    if (isBlank(bytes, 0, end)) return;
    if (!readMeta(bytes, 0, end, this.#meta)) {
      this.#skipped("bad-record", offset, end);
      return;
    }
    const { end: payload } = this.#meta;
    // The LF of the separator that was to come, unless the message needs it.
    const shorter = bytes[end - 1] === LF ? end - 1 : end;
    if (shorter < end && isWholeMessage(bytes.subarray(payload, shorter)))
      this.#emit(bytes, shorter, false, out);
    else if (isWholeMessage(bytes.subarray(payload, end))) this.#emit(bytes, end, false, out);
    else this.#skipped("cut-off-record", offset, end);
  }

  /** `isExact`: the payload has the length that the first line says, so it is as it was written. */
  #emit(bytes: Buffer, end: number, isExact: boolean, out: DecodedRecords): void {
    const meta = this.#meta;
    out.messages.push(this.#maker.message(bytes, meta, end, isExact));
    out.timesNs.push((meta.seconds - this.#epochSeconds) * 1e9 + meta.nanoseconds);
  }
}
