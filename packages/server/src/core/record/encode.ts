/**
 * gor's record format, writing side: `TYPE ID TIMESTAMP_NS LATENCY_NS`, LF, the message as on the wire, and the
 * separator line behind every record (gor-compatible since 0.10; four fields since 1.2).
 *
 * In: messages. Out: one buffer for a batch. The format has no escape: a payload that holds the separator line
 * reads back as two records, here as in gor.
 */
import type { Message } from "@mirrorball/protocol";
import { recordLine } from "./meta-line.ts";
import { SEPARATOR_LATIN1 } from "./separator.ts";

/** All records of a batch, in one piece; `ends` is given the index behind each record. */
export function encodeRecords(batch: readonly Message[], ends?: number[]): Buffer {
  const metas: string[] = [];
  const payloads: Uint8Array[][] = [];
  let size = 0;
  for (const message of batch) {
    const meta = recordLine(message);
    const pieces = message.http.rawPieces();
    size += meta.length + SEPARATOR_LATIN1.length;
    for (const piece of pieces) size += piece.length;
    ends?.push(size);
    metas.push(meta);
    payloads.push(pieces);
  }
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
