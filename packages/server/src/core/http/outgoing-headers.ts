/**
 * Which recorded header fields go on to a target, and which do not. Pure.
 *
 * Fields keep their order, case and duplicates. Left out are those that speak of one connection only (RFC 9110
 * 7.6.1, and what `Connection` lists), Host (its value is decided elsewhere), `Expect`, and the framing fields:
 * the sender frames the body it really has, so that one recorded request is exactly one request.
 */
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
]);

/** Spellings seen, so that lower-casing is done once for each; names come from the network, hence the bound. */
const SPELLINGS_MAX = 4096;
const spellings: Map<string, Part> = new Map();

function partOf(name: string): Part {
  const known = spellings.get(name);
  if (known !== undefined) return known;
  const part = PARTS.get(name.toLowerCase()) ?? Part.endToEnd;
  if (spellings.size < SPELLINGS_MAX) spellings.set(name, part);
  return part;
}

export interface OutgoingOptions {
  /** The Host field to send; undefined keeps the recorded one, if there is one. */
  readonly host: string | undefined;
  /** Replaces a recorded Authorization field, or is added. */
  readonly authorization: string | undefined;
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
