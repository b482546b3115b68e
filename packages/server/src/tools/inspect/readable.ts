/**
 * A message as text for a terminal. In: a message. Out: lines without anything a terminal would obey: control characters and
 * those that turn the direction of writing are escaped, bodies that are no text are told by their size.
 */
import { MessageKind, headEnd, timestampToNs } from "@mirrorball/protocol";
import type { Message, MessageContext } from "@mirrorball/protocol";

/** More of a body than this is not for reading. */
const BODY_CHARS_MAX = 2000;
/** Bytes looked at to make so many characters, and to tell text from other things. */
const BODY_BYTES_LOOKED_AT: number = BODY_CHARS_MAX * 4;
const UNSAFE =
  // oxlint-disable-next-line no-control-regex -- they are what this escapes
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;
const KINDS: Readonly<Record<MessageKind, string>> = {
  [MessageKind.request]: "request",
  [MessageKind.response]: "response",
  [MessageKind.replayed]: "replayed response",
};

export function readable(message: Message): string {
  const { kind, id, startedAt, latencyNs, http, context } = message;
  const latency = latencyNs === undefined || latencyNs < 0 ? "" : `, ${latencyNs / 1e6} ms`;
  const raw = http.raw;
  const end = headEnd(raw);
  const head = Buffer.from(raw.buffer, raw.byteOffset, end).toString("latin1");
  return [
    `--- ${KINDS[kind]} ${escaped(id)}, ${formatTime(startedAt)}${latency}`,
    ...knownLines(context),
    escaped(head.replaceAll("\r\n", "\n").trimEnd()),
    ...bodyLines(http.body),
    "",
    "",
  ].join("\n");
}

/** What the recording knows of the exchange beside its bytes, in one line. */
function knownLines(context: MessageContext | undefined): string[] {
  if (context === undefined) return [];
  const { connection, connectionSeq, peer, service, route, tags = [] } = context;
  const known: string[] = [];
  const add = (name: string, value: string | number | undefined): void => {
    if (value !== undefined) known.push(`${name} ${value}`);
  };
  add("connection", connection);
  add("place", connectionSeq);
  add("peer", peer);
  add("service", service);
  add("route", route);
  for (let i = 0; i + 1 < tags.length; i += 2) add("tag", `${tags[i]}=${tags[i + 1]}`);
  return known.length === 0 ? [] : [escaped(known.join(", ").replaceAll("\n", " "))];
}

function bodyLines(body: Uint8Array): string[] {
  if (body.length === 0) return [];
  const text = asText(body);
  if (text === undefined) return ["", `(${body.length} bytes, no text)`];
  const shown = text.slice(0, BODY_CHARS_MAX);
  const rest = body.length - Buffer.byteLength(shown);
  return ["", escaped(shown), ...(rest > 0 ? [`(and ${rest} bytes more)`] : [])];
}

function asText(body: Uint8Array): string | undefined {
  const looked = body.subarray(0, BODY_BYTES_LOOKED_AT);
  if (looked.includes(0)) return undefined;
  try {
    // As a stream, a character cut in two at the end is no fault.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(looked, {
      stream: true,
    });
  } catch {
    return undefined;
  }
}

/** Everything but line ends that could move a cursor or change how text reads. */
export function escaped(text: string): string {
  return text.replace(UNSAFE, (char) => {
    if (char === "\t") return "\t";
    const code = char.charCodeAt(0);
    return code <= 0xff
      ? `\\x${code.toString(16).padStart(2, "0")}`
      : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

/** `2026-11-24T20:00:44.044820124Z` */
export function formatTime(at: Message["startedAt"]): string {
  const ns = timestampToNs(at);
  const ms = Number(ns / 1_000_000n);
  const date = new Date(ms);
  // Beyond what dates can be.
  if (Number.isNaN(date.getTime())) return `${ns} ns`;
  const fraction = String(ns % 1_000_000_000n).padStart(9, "0");
  return date.toISOString().replace(/\.\d+Z$/, `.${fraction}Z`);
}
