/**
 * What is read from a request's raw header fields, in passes that make no string. In: Node's flat list of names and
 * values. Knows nothing of exchanges.
 */
import { REPLAY_FIELD } from "@mirrorball/protocol/producing";

/** The field that a replayed request carries; teeing it again would make a loop. */
const REPLAY_NAME = REPLAY_FIELD.toLowerCase();
const LENGTH_FIELD = "content-length";
const CODING_FIELD = "transfer-encoding";
const LETTER_C = 0x63;
const LETTER_T = 0x74;
const LETTER_X = 0x78;
/** Makes an ASCII letter lower case. */
const LOWER_BIT = 0x20;

const REPLAY_FLAG = 1;
const BODY_FLAG = 2;
const CHUNKED_FLAG = 4;
const FLAGS = 8;

/** All that must be known of every request, from one pass, as one number: it is read by the functions below. */
export type HeaderSummary = number;

export function headerSummaryOf(rawHeaders: readonly string[]): HeaderSummary {
  let chars = 0;
  let flags = 0;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? "";
    chars += name.length + (rawHeaders[i + 1] ?? "").length;
    // The length first, then a letter: other names are told apart without a call.
    if (name.length === LENGTH_FIELD.length) {
      if (startsWith(name, LETTER_C) && name.toLowerCase() === LENGTH_FIELD) flags |= BODY_FLAG;
    } else if (name.length === CODING_FIELD.length) {
      if (startsWith(name, LETTER_T) && name.toLowerCase() === CODING_FIELD)
        flags |= BODY_FLAG | CHUNKED_FLAG;
    } else if (name.length === REPLAY_NAME.length) {
      if (startsWith(name, LETTER_X) && name.toLowerCase() === REPLAY_NAME) flags |= REPLAY_FLAG;
    }
  }
  return chars * FLAGS + flags;
}

/** Characters of all names and values. */
export function charsIn(summary: HeaderSummary): number {
  return (summary - (summary % FLAGS)) / FLAGS;
}

/** Whether the head announces a body; one of no bytes counts. */
export function announcesBody(summary: HeaderSummary): boolean {
  return (summary & BODY_FLAG) !== 0;
}

/** Whether the body comes in chunks: only then may trailers follow it. */
export function announcesChunks(summary: HeaderSummary): boolean {
  return (summary & CHUNKED_FLAG) !== 0;
}

/** Whether it is a replay, sent by a mirrorball server. */
export function isReplay(summary: HeaderSummary): boolean {
  return (summary & REPLAY_FLAG) !== 0;
}

/** The first value of a field, undefined without one. */
export function fieldIn(rawHeaders: readonly string[], lowerName: string): string | undefined {
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i];
    if (name?.length === lowerName.length && name.toLowerCase() === lowerName)
      return rawHeaders[i + 1];
  }
  return undefined;
}

function startsWith(name: string, letter: number): boolean {
  return (name.charCodeAt(0) | LOWER_BIT) === letter;
}
