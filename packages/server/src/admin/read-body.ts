/** Reads what a browser sends us, within a bound. In: a request. Out: its body as JSON, or undefined when it is too long or none. */
import type { IncomingMessage } from "node:http";

/** Our own page sends a few words; an edited request may be as long as a kept one. */
const BODY_BYTES_MAX: number = 4 * 1024 * 1024;

export async function readJson(message: IncomingMessage): Promise<unknown> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of message as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > BODY_BYTES_MAX) return undefined;
    pieces.push(piece);
  }
  try {
    return JSON.parse(Buffer.concat(pieces).toString("utf8")) as unknown;
  } catch {
    return undefined;
  }
}
