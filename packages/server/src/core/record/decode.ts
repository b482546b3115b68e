/**
 * gor's record format, reading side, streaming. In: bytes in any pieces. Out: messages with their times; what is no record
 * is skipped and told with its place, and costs no record before or behind it.
 *
 * Payloads are views on the bytes that were pushed, so these must not be used again. The format has no escape: a body
 * that holds a separator line is two records, here as in gor, and nothing can tell.
 */
import { HttpMessage, headEnd } from "@mirrorball/protocol";
import type { Message, MessageContext, Timestamp } from "@mirrorball/protocol";
import { META_BYTES_MAX, MetaLine, readMeta } from "./meta.ts";
import {
  SEPARATOR_BYTES_MAX,
  SEPARATOR_FIRST_BYTE,
  cutSeparatorLength,
  separatorEnd,
} from "./separator.ts";

const LF = 0x0a;
const CR = 0x0d;
/** Bytes of one record: five times the largest body known from recordings, and no more than a process can hold. */
const RECORD_BYTES_MAX: number = 512 * 1024 * 1024;
/** From here on, microseconds are not exact in a double (the year 2255). */
const EXACT_SECONDS_MAX = 9_007_199_254;
const NS_PER_SECOND = 1_000_000_000n;
const AMBIGUOUS: MessageContext = { framing: "ambiguous" };

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
  /** What the times count from, in seconds since the Unix epoch. */
  readonly epochSeconds?: number;
  readonly recordBytesMax?: number;
}

export class RecordDecoder {
  readonly #skipped: RecordDecoderOptions["skipped"];
  readonly #epochSeconds: number;
  readonly #recordBytesMax: number;
  readonly #meta = new MetaLine();
  /** Bytes pushed before the present piece. */
  #before = 0;
  /** Pieces of a record whose end has not come; empty while it is being skipped. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  #skipping: SkipReason | undefined;
  #heldChecked = false;
  /** The last bytes of what is held: a separator may lie across two pieces. */
  #tail: Buffer = Buffer.alloc(0);
  #lastSeconds = 0;
  #lastNanoseconds = 0;

  constructor({ skipped, epochSeconds, recordBytesMax }: RecordDecoderOptions) {
    this.#skipped = skipped;
    this.#epochSeconds = epochSeconds ?? 0;
    this.#recordBytesMax = recordBytesMax ?? RECORD_BYTES_MAX;
  }

  /** Bytes that wait for the end of their record. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  push(piece: Uint8Array, out: DecodedRecords): void {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.length);
    let start = 0;
    if (this.#heldBytes > 0) {
      start = this.#endHeld(bytes, out);
      if (start < 0) {
        this.#hold(bytes, 0);
        this.#before += bytes.length;
        return;
      }
    }
    let at = start;
    for (;;) {
      const monkeys = bytes.indexOf(SEPARATOR_FIRST_BYTE, at);
      if (monkeys < 0) break;
      const end = separatorEnd(bytes, monkeys);
      if (end < 0 || (monkeys > start && bytes[monkeys - 1] !== LF)) {
        at = monkeys + 1;
        continue;
      }
      this.#take(bytes, start, recordEnd(bytes, start, monkeys, end), this.#before + start, out);
      start = end;
      at = end;
    }
    if (start < bytes.length) this.#hold(bytes, start);
    this.#before += bytes.length;
  }

  /** No more will come. A last record without a separator counts when it is whole. */
  end(out: DecodedRecords): void {
    if (this.#heldBytes === 0) return;
    const offset = this.#before - this.#heldBytes;
    if (this.#skipping !== undefined) {
      this.#skipped(this.#skipping, offset, this.#heldBytes);
    } else {
      const bytes = Buffer.concat(this.#held);
      const rest = bytes.subarray(0, bytes.length - cutSeparatorLength(bytes));
      this.#takeLast(rest, offset, out);
    }
    this.#dropHeld();
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
      if (last !== undefined && last.length > 0) this.#held.push(last);
      const bytes = Buffer.concat(this.#held);
      this.#take(bytes, 0, bytes.length - surplus, offset, out);
    }
    this.#dropHeld();
  }

  #hold(bytes: Buffer, start: number): void {
    const rest = start === 0 ? bytes : bytes.subarray(start);
    this.#heldBytes += rest.length;
    const enough = rest.length >= SEPARATOR_BYTES_MAX;
    this.#tail = Buffer.from(
      (enough ? rest : Buffer.concat([this.#tail, rest])).subarray(-SEPARATOR_BYTES_MAX),
    );
    if (this.#skipping !== undefined) return;
    this.#held.push(rest);
    if (this.#heldBytes > this.#recordBytesMax) {
      this.#skip("oversized-record");
    } else if (!this.#heldChecked && this.#heldBytes > META_BYTES_MAX) {
      this.#heldChecked = true;
      const head = this.#held.length === 1 ? rest : Buffer.concat(this.#held);
      if (!readMeta(head, 0, META_BYTES_MAX, this.#meta)) this.#skip("bad-record");
    }
  }

  /** What is held is let go; its end is still looked for. */
  #skip(reason: SkipReason): void {
    this.#skipping = reason;
    this.#held = [];
  }

  #dropHeld(): void {
    this.#held = [];
    this.#heldBytes = 0;
    this.#heldChecked = false;
    this.#skipping = undefined;
    this.#tail = this.#tail.subarray(0, 0);
  }

  #take(bytes: Buffer, start: number, end: number, offset: number, out: DecodedRecords): void {
    // Two separators in a row, or blank lines between them, are nobody's loss.
    if (isBlank(bytes, start, end)) return;
    if (!readMeta(bytes, start, end, this.#meta)) this.#skipped("bad-record", offset, end - start);
    else if (this.#meta.end >= end) this.#skipped("empty-record", offset, end - start);
    else this.#emit(bytes, end, out);
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
    if (shorter < end && isWhole(bytes.subarray(payload, shorter))) this.#emit(bytes, shorter, out);
    else if (isWhole(bytes.subarray(payload, end))) this.#emit(bytes, end, out);
    else this.#skipped("cut-off-record", offset, end);
  }

  #emit(bytes: Buffer, end: number, out: DecodedRecords): void {
    const meta = this.#meta;
    if (meta.seconds < 0) {
      // A response of an old file tells only how long it took: it is as old as what came before it.
      meta.seconds = this.#lastSeconds;
      meta.nanoseconds = this.#lastNanoseconds;
    }
    const { seconds, nanoseconds } = meta;
    this.#lastSeconds = seconds;
    this.#lastNanoseconds = nanoseconds;
    out.messages.push({
      kind: meta.kind,
      id: bytes.toString("latin1", meta.idStart, meta.idEnd),
      startedAt: timestamp(seconds, nanoseconds),
      latencyNs: meta.latencyNs,
      http: HttpMessage.fromRaw(bytes.subarray(meta.end, end)),
      context: meta.ambiguous ? AMBIGUOUS : undefined,
    });
    out.timesNs.push((seconds - this.#epochSeconds) * 1e9 + nanoseconds);
  }
}

/** Whole microseconds as a number, which is cheap; a bigint when there is more to keep. */
function timestamp(seconds: number, nanoseconds: number): Timestamp {
  return nanoseconds % 1000 === 0 && seconds < EXACT_SECONDS_MAX
    ? seconds * 1e6 + nanoseconds / 1000
    : BigInt(seconds) * NS_PER_SECOND + BigInt(nanoseconds);
}

/** Where the record before a separator ends: its LF is not the record's, nor its CR when the separator has one behind too. */
function recordEnd(bytes: Uint8Array, start: number, monkeys: number, end: number): number {
  if (monkeys === start) return start;
  const lf = monkeys - 1;
  return bytes[end - 2] === CR && lf > start && bytes[lf - 1] === CR ? lf - 1 : lf;
}

function isBlank(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if (bytes[at] !== LF && bytes[at] !== CR) return false;
  return true;
}

/** True when the head ends and the body is as long as the head says. */
function isWhole(payload: Uint8Array): boolean {
  const end = headEnd(payload);
  if (end === payload.length && !endsWithBlankLine(payload)) return false;
  return HttpMessage.fromRaw(payload).bodyComplete;
}

function endsWithBlankLine(bytes: Uint8Array): boolean {
  if (bytes.at(-1) !== LF) return false;
  return bytes.at(-2) === LF || (bytes.at(-2) === CR && bytes.at(-3) === LF);
}
