/**
 * gor's record format, writing side: `TYPE ID TIMESTAMP_NS LATENCY_NS`, LF, the message as on the wire, and the
 * separator line behind every record (gor-compatible since 0.10; four fields since 1.2).
 *
 * In: messages. Out: one buffer for a batch. The format has no escape: a payload that holds the separator line
 * reads back as two records, here as in gor.
 */
import type { Message } from "@mirrorball/protocol";
import { metaLine } from "./meta.ts";

/** LF, three monkeys, LF. */
const SEPARATOR: Uint8Array = Buffer.from("\n🐵🙈🙉\n");

/** All records of a batch, in one piece. */
export function encodeRecords(batch: readonly Message[]): Buffer {
  const pieces: Uint8Array[] = [];
  for (const message of batch) {
    pieces.push(Buffer.from(metaLine(message), "latin1"));
    for (const piece of message.http.rawPieces()) pieces.push(piece);
    pieces.push(SEPARATOR);
  }
  return Buffer.concat(pieces);
}
