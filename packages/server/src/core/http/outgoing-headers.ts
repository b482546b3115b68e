/**
 * Which recorded header fields go on to a target, and which do not. Pure.
 *
 * Fields keep their order, case and duplicates. Left out are those that speak of one connection only (RFC 9110
 * 7.6.1, and what `Connection` lists), Host (its value is decided elsewhere), `Expect`, and the framing fields:
 * the sender frames the body it really has, so that one recorded request is exactly one request.
 */
import { REPLAY_FIELD } from "@mirrorball/protocol";
import type { HeaderList } from "@mirrorball/protocol";

const Part = { endToEnd: 0, hop: 1, host: 2, connection: 3, authorization: 4 } as const;
type Part = (typeof Part)[keyof typeof Part];

const PARTS: ReadonlyMap<string, Part> = new Map<string, Part>([
  ["host", Part.host],
  ["connection", Part.connection],
  ["authorization", Part.authorization],
  ["keep-alive", Part.hop],
  ["proxy-connection", Part.hop],
  ["proxy-authorization", Part.hop],
  ["proxy-authenticate", Part.hop],
  ["te", Part.hop],
  ["trailer", Part.hop],
  ["transfer-encoding", Part.hop],
  ["content-length", Part.hop],
  ["upgrade", Part.hop],
  ["http2-settings", Part.hop],
  ["expect", Part.hop],
  [REPLAY_FIELD.toLowerCase(), Part.hop],
]);

/**
 * The names above by length, because most fields are none of them and that is seen soonest by length and first
 * letter; a hash of every name of every message would cost more than all the rest of this file.
 */
const byLength: (readonly { readonly name: string; readonly part: Part }[] | undefined)[] = [];
for (const [name, part] of PARTS) {
  byLength[name.length] = [...(byLength[name.length] ?? []), { name, part }];
}
const LOWER_CASE_BIT = 0x20;

function partOf(name: string): Part {
  const candidates = byLength[name.length];
  if (candidates === undefined) return Part.endToEnd;
  const first = name.charCodeAt(0) | LOWER_CASE_BIT;
  for (const candidate of candidates) {
    if (candidate.name.charCodeAt(0) !== first) continue;
    if (candidate.name === name.toLowerCase()) return candidate.part;
  }
  return Part.endToEnd;
}

export interface OutgoingOptions {
  /** The Host field to send; undefined keeps the recorded one, if there is one. */
  readonly host: string | undefined;
  /** Replaces a recorded Authorization field, or is added. */
  readonly authorization: string | undefined;
  /** Adds the mark of a replay. A recorded one is left out: it spoke of another replay. */
  readonly marked: boolean;
}

/** The fields to send, as a flat list. */
export function outgoingHeaders(recorded: HeaderList, options: OutgoingOptions): string[] {
  const out: string[] = [];
  if (options.host !== undefined) out.push("Host", options.host);
  let hostSeen = options.host !== undefined;
  let listed: Set<string> | undefined;
  for (let i = 0; i + 1 < recorded.length; i += 2) {
    const name = recorded[i] ?? "";
    const value = recorded[i + 1] ?? "";
    switch (partOf(name)) {
      case Part.endToEnd:
        out.push(name, value);
        break;
      case Part.hop:
        break;
      case Part.host:
        if (!hostSeen) out.push(name, value);
        hostSeen = true;
        break;
      case Part.connection:
        listed = listConnectionOptions(value, listed);
        break;
      case Part.authorization:
        if (options.authorization === undefined) out.push(name, value);
        break;
    }
  }
  if (options.authorization !== undefined) out.push("Authorization", options.authorization);
  if (options.marked) out.push(REPLAY_FIELD, "1");
  return listed === undefined ? out : without(out, listed);
}

/** `keep-alive` and `close` name no field worth a second pass. */
function listConnectionOptions(
  value: string,
  listed: Set<string> | undefined,
): Set<string> | undefined {
  let set = listed;
  for (const token of value.toLowerCase().split(",")) {
    const name = token.trim();
    if (name === "" || name === "keep-alive" || name === "close" || name === "host") continue;
    set ??= new Set();
    set.add(name);
  }
  return set;
}

function without(headers: readonly string[], listed: ReadonlySet<string>): string[] {
  const kept: string[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? "";
    if (!listed.has(name.toLowerCase())) kept.push(name, headers[i + 1] ?? "");
  }
  return kept;
}
