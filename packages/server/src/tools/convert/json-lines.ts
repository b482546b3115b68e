/**
 * JSON lines: one object a message, nothing lost.
 *
 *     {"type":1,"id":"…","timestampNs":"1732406400000000123","latencyNs":0,"head":"GET / HTTP/1.1\r\n…","body":"…"}
 *
 * `head` is every byte up to and with the blank line, one character a byte; `body` is the bytes behind it, framing
 * included, as text when they are UTF-8 and as `bodyBase64` when not. `method`, `target` and `status` stand there
 * for people and tools and are not read back. `framing` is "ambiguous" on what can be read in two ways, else absent; `context`
 * is what is known of the exchange (connection, connectionSeq, peer, service, route, tags), as far as anything is.
 */
import { isUtf8 } from "node:buffer";
import {
  HttpMessage,
  MessageKind,
  headEnd,
  isResponseHead,
  timestampToNs,
} from "@mirrorball/protocol";
import type { Message, Timestamp } from "@mirrorball/protocol";
import { isBytes } from "../../core/http/head/head-rules.ts";
import { contextFields, contextOfFields } from "../../core/record/context-fields.ts";
import { openSource } from "../../files/record-file.ts";
import type { MessageReader, MessageWriter } from "./format.ts";
import { ID_CHARS_MAX } from "../../core/record/meta.ts";
import { Utf8Source } from "../../files/sources/utf16-source.ts";
import { linesOf } from "./lines.ts";
import type { FileSink } from "./sink.ts";

const BATCH_MAX = 256;
const NS_PER_US = 1000n;

export function jsonLine({ kind, id, startedAt, latencyNs, http, context }: Message): string {
  const { raw, head } = http;
  const end = headEnd(raw);
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.length);
  const body = bytes.subarray(end);
  const readable =
    head === undefined
      ? {}
      : isResponseHead(head)
        ? { status: head.status }
        : { method: head.method, target: head.target };
  return `${JSON.stringify({
    type: kind,
    id,
    timestampNs: String(timestampToNs(startedAt)),
    latencyNs,
    ...(context?.framing === undefined ? {} : { framing: context.framing }),
    context: contextFields(context),
    ...readable,
    head: bytes.toString("latin1", 0, end),
    ...(body.length === 0
      ? {}
      : isUtf8(body)
        ? { body: body.toString("utf8") }
        : { bodyBase64: body.toString("base64") }),
  })}\n`;
}

/** The message of a line, or the rule that it breaks. */
export function messageOfLine(line: string): Message | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return "is no JSON";
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "is no object";
  const fields: Record<string, unknown> = { ...value };
  const {
    type,
    id,
    timestampNs,
    latencyNs,
    framing,
    head,
    body = "",
    bodyBase64,
    context,
  } = fields;
  if (!isKind(type)) return '"type" must be 1, 2 or 3';
  if (typeof id !== "string" || !/^[!-~\u0080-\u00ff]+$/.test(id) || id.length > ID_CHARS_MAX) {
    return `"id" must be a text without spaces, of at most ${ID_CHARS_MAX} characters`;
  }
  const startedAt = timestampOf(timestampNs);
  if (startedAt === undefined) return '"timestampNs" must be digits';
  if (latencyNs !== undefined && !Number.isSafeInteger(latencyNs)) {
    return '"latencyNs" must be a whole number';
  }
  if (typeof head !== "string" || typeof body !== "string")
    return '"head" and "body" must be texts';
  if (!isBytes(head)) return '"head" must have one character a byte';
  const rest = bodyOf(body, bodyBase64);
  if (typeof rest === "string") return rest;
  const http = HttpMessage.fromRaw(Buffer.concat([Buffer.from(head, "latin1"), rest]));
  const latency = typeof latencyNs === "number" ? latencyNs : undefined;
  const known = contextOfFields(context, framing);
  return { kind: type, id, startedAt, latencyNs: latency, http, context: known };
}

/** The bytes, or the rule that one of the two breaks. */
function bodyOf(body: string, bodyBase64: unknown): Buffer | string {
  if (LONE_SURROGATE.test(body))
    return '"body" holds half a character; "bodyBase64" takes any bytes';
  if (bodyBase64 === undefined) return Buffer.from(body);
  return isBase64(bodyBase64) ? Buffer.from(bodyBase64, "base64") : '"bodyBase64" must be base64';
}

/** Half of a character of two. */
const LONE_SURROGATE = /[\ud800-\udfff]/u;

function isBase64(value: unknown): value is string {
  return typeof value === "string" && /^[\w+/-]*={0,2}$/.test(value);
}

function isKind(value: unknown): value is MessageKind {
  return (
    value === MessageKind.request ||
    value === MessageKind.response ||
    value === MessageKind.replayed
  );
}

/** A text of digits, or a number, which is exact only up to some digits. */
function timestampOf(value: unknown): Timestamp | undefined {
  if (typeof value !== "string" && typeof value !== "number") return undefined;
  const text = String(value);
  if (!/^\d{1,19}$/.test(text)) return undefined;
  const ns = BigInt(text);
  const us = ns / NS_PER_US;
  const isExact = ns % NS_PER_US === 0n && us <= BigInt(Number.MAX_SAFE_INTEGER);
  return isExact ? Number(us) : ns;
}

export const readJsonLines: MessageReader = async function* (path, fault) {
  let batch: Message[] = [];
  let number = 0;
  for await (const line of linesOf(new Utf8Source(openSource(path)), fault)) {
    number += 1;
    if (line.trim() === "") continue;
    const message = messageOfLine(line);
    if (typeof message === "string") {
      fault(`${path}: line ${number} ${message}`);
      continue;
    }
    batch.push(message);
    if (batch.length < BATCH_MAX) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
};

export function jsonLinesWriter(sink: FileSink): MessageWriter {
  return {
    write: async (batch) => {
      for (const message of batch) await sink.write(Buffer.from(jsonLine(message)));
    },
    end: async () => new Map(),
  };
}
