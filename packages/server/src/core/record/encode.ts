/**
 * gor's record format, writing side: `TYPE ID TIMESTAMP_NS LATENCY_NS`, LF, the message as on the wire, and the
 * separator line behind every record (gor-compatible since 0.10; four fields since 1.2). What gor has no field for stands
 * in words behind them, see `words.ts`.
 *
 * In: messages. Out: one buffer for a batch. The format has no escape: a payload that would show the separator line is framed in
 * another way, and refused when that cannot be done.
 */
import type { Message } from "@mirrorball/protocol";
import { hideSeparator } from "./hide-separator.ts";
import { RecordLines } from "./meta-line.ts";
import { BYTES_WORD, RESTORE_WORD } from "./words.ts";
import { SEPARATOR_LATIN1, hasMonkeys, showsSeparator } from "./separator.ts";

/** Why a message is not written. */
export const REFUSED_REASON = "separator-in-message";

/** What became of a batch; filled by `encodeRecords`. */
export class EncodeReport {
  /** The messages that are in the bytes; the batch itself when that is all of them. */
  kept: readonly Message[] = [];
  readonly refused: Message[] = [];
  /** The index behind each record kept. */
  readonly ends: number[] = [];
  /** Fields of contexts for which the first line had no room. */
  leftOut = 0;
}

/** What outputs show of it. */
export function leftOutCounts(leftOut: number): Readonly<Record<string, number>> {
  return leftOut === 0 ? {} : { "context-left-out": leftOut };
}

/** All records of a batch, in one piece. Throws when a message is refused and nobody is told. */
export function encodeRecords(batch: readonly Message[], report?: EncodeReport): Buffer {
  const lines = new RecordLines();
  const metas: string[] = [];
  const payloads: Uint8Array[][] = [];
  let size = 0;
  for (const message of batch) {
    const payload = payloadOf(message);
    if (payload === undefined) {
      if (report === undefined) throw new Error(`message ${message.id}: ${REFUSED_REASON}`);
      report.refused.push(message);
      continue;
    }
    const meta = lines.lineOf(message, payload.words);
    size += meta.length + SEPARATOR_LATIN1.length;
    for (const piece of payload.pieces) size += piece.length;
    report?.ends.push(size);
    metas.push(meta);
    payloads.push(payload.pieces);
  }
  if (report !== undefined) {
    report.leftOut += lines.leftOut;
    report.kept = keptOf(batch, report.refused);
  }
  return joined(metas, payloads, size);
}

interface Payload {
  readonly pieces: Uint8Array[];
  readonly words: string;
}

/** Undefined when the message would be read as something else. */
function payloadOf({ http }: Message): Payload | undefined {
  const pieces = http.rawPieces();
  if (!pieces.some(hasMonkeys) || !showsSeparator(http.raw)) return { pieces, words: "" };
  const hidden = hideSeparator(http);
  if (hidden === undefined) return undefined;
  const { bytes, line } = hidden;
  const restore =
    line === undefined
      ? ""
      : ` ${RESTORE_WORD}${Buffer.from(line, "latin1").toString("base64url")}`;
  return { pieces: [bytes], words: ` ${BYTES_WORD}${bytes.length}${restore}` };
}

function keptOf(batch: readonly Message[], refused: readonly Message[]): readonly Message[] {
  if (refused.length === 0) return batch;
  const gone = new Set(refused);
  return batch.filter((message) => !gone.has(message));
}

function joined(metas: readonly string[], payloads: readonly Uint8Array[][], size: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(size);
  let at = 0;
  for (let i = 0; i < metas.length; i += 1) {
    // One call into native code for the separator before and the line behind it.
    const meta = metas[i] ?? "";
    at += bytes.write(i === 0 ? meta : SEPARATOR_LATIN1 + meta, at, "latin1");
    for (const piece of payloads[i] ?? []) {
      bytes.set(piece, at);
      at += piece.length;
    }
  }
  if (size > 0) bytes.write(SEPARATOR_LATIN1, at, "latin1");
  return bytes;
}
