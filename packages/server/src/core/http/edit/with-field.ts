/**
 * A message with one header field set: the first field of that name gets the value, or the field is put first. Works on the
 * bytes of the head; everything else, the body's framing included, stays as it was. Pure.
 */
import { HttpMessage, headEnd } from "@mirrorball/protocol/messages";

const LF = 0x0a;

export function withField(http: HttpMessage, name: string, value: string): HttpMessage {
  const { raw } = http;
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
  const end = headEnd(raw);
  const head = bytes.toString("latin1", 0, end);
  const startEnd = bytes.indexOf(LF) + 1;
  if (startEnd <= 0 || startEnd >= end) return http;
  const found = fieldLine(head, startEnd, name);
  const line = Buffer.from(`${name}: ${value}\r\n`, "latin1");
  const from = found?.start ?? startEnd;
  const to = found?.end ?? startEnd;
  return HttpMessage.fromRaw(Buffer.concat([bytes.subarray(0, from), line, bytes.subarray(to)]));
}

/** The place of the first line of that name, folded lines included. */
function fieldLine(
  head: string,
  from: number,
  name: string,
): { readonly start: number; readonly end: number } | undefined {
  const lower = `${name.toLowerCase()}:`;
  let start = from;
  while (start < head.length) {
    let end = head.indexOf("\n", start) + 1;
    if (end === 0) end = head.length;
    while (end < head.length && (head[end] === " " || head[end] === "\t")) {
      const next = head.indexOf("\n", end) + 1;
      end = next === 0 ? head.length : next;
    }
    if (head.slice(start, start + lower.length).toLowerCase() === lower) return { start, end };
    start = end;
  }
  return undefined;
}
