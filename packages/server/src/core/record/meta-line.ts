/**
 * The first line of gor's records: `TYPE ID TIMESTAMP_NS LATENCY_NS`. In: a message, or a line's bytes. Out: the line,
 * or its fields. What follows the line is none of its business. Files, with their old forms, are read by `meta.ts`.
 */
import { MessageKind, timestampToNs } from "@mirrorball/protocol";
import type { Message, MessageContext, Timestamp } from "@mirrorball/protocol";
import { contextWord } from "./context-word.ts";
import { META_BYTES_MAX } from "./meta.ts";
import { AMBIGUOUS_WORD, CONTEXT_WORD } from "./words.ts";

export interface Meta {
  readonly kind: MessageKind;
  readonly id: string;
  readonly startedAt: Timestamp;
  readonly latencyNs: number | undefined;
}

/** The line, LF included. Three fields when the latency is not known, as in old files. */
export function metaLine({ kind, id, startedAt, latencyNs }: Meta): string {
  const latency = latencyNs === undefined ? "" : ` ${latencyNs}`;
  return `${kind} ${id} ${nanoseconds(startedAt)}${latency}\n`;
}

/**
 * The lines of a batch's records: gor's four fields, and behind them what gor has no field for. gor looks at four and keeps
 * the rest; to programs behind `--middleware` the rest is not shown.
 */
export class RecordLines {
  /** Fields of contexts for which there was no room. */
  leftOut = 0;
  #context: MessageContext | undefined;
  #word = "";

  /** `payloadWords`: how the payload is to be read, each with a blank before it. */
  lineOf(message: Message, payloadWords: string): string {
    const { context } = message;
    if (context === undefined && payloadWords === "") return metaLine(message);
    const mark = context?.framing === "ambiguous" ? ` ${AMBIGUOUS_WORD}` : "";
    const latencyNs = message.latencyNs ?? LATENCY_UNKNOWN;
    const { kind, id, startedAt } = message;
    const words = `${kind} ${id} ${nanoseconds(startedAt)} ${latencyNs}${mark}${payloadWords}`;
    const word = context === undefined ? "" : this.#wordOf(context, words.length);
    if (mark === "" && payloadWords === "" && word === "") return metaLine(message);
    return `${words}${word}\n`;
  }

  /** A request and its response have one context, and mostly follow each other. */
  #wordOf(context: MessageContext, before: number): string {
    if (context === this.#context && before + this.#word.length < LINE_BYTES_MAX) return this.#word;
    const room = LINE_BYTES_MAX - before - ` ${CONTEXT_WORD}\n`.length;
    const { text, leftOut } = contextWord(context, room);
    const word = text === "" ? "" : ` ${CONTEXT_WORD}${text}`;
    this.leftOut += leftOut;
    this.#context = leftOut === 0 ? context : undefined;
    this.#word = word;
    return word;
  }
}

/** Bytes of a line, its LF included: readers take a longer one for no first line. */
const LINE_BYTES_MAX: number = META_BYTES_MAX - 1;
/** gor's word for it. */
const LATENCY_UNKNOWN = -1;

/** Digits are cheaper than a bigint a message. */
function nanoseconds(at: Timestamp): string {
  if (typeof at === "bigint" || at < 1) return timestampToNs(at).toString();
  return `${Math.trunc(at)}000`;
}

const KINDS: Readonly<Record<string, MessageKind>> = {
  "1": MessageKind.request,
  "2": MessageKind.response,
  "3": MessageKind.replayed,
};
/** Three fields as written before 0.15, four since 1.2; more than four is left to the future. */
const META = /^([123]) (\S+) (-?\d{1,20})(?: (-?\d{1,20}))?(?: .*)?$/;

/** Reads the line in `bytes[start..end)`, its LF not included; a CR before the LF is. Undefined when it is none. */
export function parseMetaLine(bytes: Uint8Array, start: number, end: number): Meta | undefined {
  const length = bytes[end - 1] === CR ? end - start - 1 : end - start;
  // A meta line is short; what is longer is a body that lost its separator.
  if (length > META_BYTES_MAX || length < 1) return undefined;
  const line = Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString("latin1");
  const fields = META.exec(line);
  if (fields === null) return undefined;
  const [, type = "", id = "", at = "", latency] = fields;
  const kind = KINDS[type];
  if (kind === undefined) return undefined;
  const latencyNs = latency === undefined ? undefined : Number(latency);
  return { kind, id, startedAt: timestampOf(at), latencyNs };
}

const CR = 0x0d;
/** A whole number of microseconds stays a number: the line reads back to what it was written from. */
function timestampOf(digits: string): Timestamp {
  if (digits.length > 3 && digits.endsWith("000")) {
    const us = Number(digits.slice(0, -3));
    if (Number.isSafeInteger(us)) return us;
  }
  return BigInt(digits);
}
