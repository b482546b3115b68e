/** Which recorded request fields concern one connection only, and which the sender decides about. Pure. */
import { REPLAY_FIELD } from "@mirrorball/protocol";
import type { HeaderList } from "@mirrorball/protocol";

export const FieldPart = {
  endToEnd: 0,
  /** Never passed on. */
  hop: 1,
  host: 2,
  connection: 3,
  authorization: 4,
  contentLength: 5,
  /** Passed on only with a chunked body. */
  framing: 6,
} as const;
export type FieldPart = (typeof FieldPart)[keyof typeof FieldPart];

const PARTS: ReadonlyMap<string, FieldPart> = new Map<string, FieldPart>([
  ["host", FieldPart.host],
  ["connection", FieldPart.connection],
  ["authorization", FieldPart.authorization],
  ["content-length", FieldPart.contentLength],
  ["transfer-encoding", FieldPart.framing],
  ["trailer", FieldPart.framing],
  ["keep-alive", FieldPart.hop],
  ["proxy-connection", FieldPart.hop],
  ["proxy-authorization", FieldPart.hop],
  ["proxy-authenticate", FieldPart.hop],
  ["te", FieldPart.hop],
  ["upgrade", FieldPart.hop],
  ["http2-settings", FieldPart.hop],
  ["expect", FieldPart.hop],
  // It spoke of another replay.
  [REPLAY_FIELD.toLowerCase(), FieldPart.hop],
]);

/**
 * The names above by length, because most fields are none of them and that is seen soonest by length and first
 * letter; a hash of every name of every message would cost more than all the rest.
 */
const byLength: (readonly { readonly name: string; readonly part: FieldPart }[] | undefined)[] = [];
for (const [name, part] of PARTS) {
  byLength[name.length] = [...(byLength[name.length] ?? []), { name, part }];
}
const LOWER_CASE_BIT = 0x20;

export function partOf(name: string): FieldPart {
  const candidates = byLength[name.length];
  if (candidates === undefined) return FieldPart.endToEnd;
  const first = name.charCodeAt(0) | LOWER_CASE_BIT;
  for (const candidate of candidates) {
    if (candidate.name.charCodeAt(0) !== first) continue;
    if (candidate.name === name.toLowerCase()) return candidate.part;
  }
  return FieldPart.endToEnd;
}

/** True for the one value of Connection that is right for us, too. */
export function isPlainKeepAlive(value: string): boolean {
  return value.length === 10 && value.toLowerCase() === "keep-alive";
}

/** True when a Connection field lists more than `keep-alive` or `close`. */
export function hasListedFields(headers: HeaderList): boolean {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? "";
    if (name.length !== 10 || partOf(name) !== FieldPart.connection) continue;
    const value = headers[i + 1] ?? "";
    if (!isPlainKeepAlive(value) && value.toLowerCase() !== "close") return true;
  }
  return false;
}

/** Names, in lower case, of the fields that Connection lists. Host is nobody's to remove. */
export function listedFields(headers: HeaderList): Set<string> {
  const listed = new Set<string>();
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (partOf(headers[i] ?? "") !== FieldPart.connection) continue;
    for (const token of (headers[i + 1] ?? "").toLowerCase().split(",")) listed.add(token.trim());
  }
  return listed;
}
