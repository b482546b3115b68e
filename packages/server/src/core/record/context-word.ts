/**
 * What an exchange knows beside its bytes, as one word of a record's first line: `c` connection, `n` place on it, `p` peer, `s`
 * service, `r` route, `t.NAME` a tag, as in `c=5&n=0&p=10.0.0.7:51334&s=shop&r=/users/:id&t.user=7`.
 *
 * In: a context and how many characters there are. Out: the word and how many fields did not fit; and back. A value is visible
 * ASCII: everything else, and `%`, `&`, `=`, is `%` and two digits for each byte of its UTF-8. Unknown names are passed over.
 */
import type { MessageContext } from "@mirrorball/protocol";

export interface ContextWord {
  /** Empty when there is nothing to say. */
  readonly text: string;
  /** Fields for which there was no room. */
  readonly leftOut: number;
}

/** What replays need most comes first: it is left out last. */
export function contextWord(context: MessageContext, charactersMax: number): ContextWord {
  const whole = plainWord(context);
  if (whole !== undefined && whole.length <= charactersMax) return { text: whole, leftOut: 0 };
  let text = "";
  let leftOut = 0;
  const add = (name: string, value: string | number | undefined): void => {
    if (value === undefined) return;
    const shown = typeof value === "number" ? String(value) : escaped(value);
    const field = `${text === "" ? "" : "&"}${name}=${shown}`;
    if (text.length + field.length > charactersMax) leftOut += 1;
    else text += field;
  };
  add("c", context.connection);
  add("n", context.connectionSeq);
  add("p", context.peer);
  add("s", context.service);
  add("r", context.route);
  const { tags } = context;
  if (tags !== undefined)
    for (let i = 0; i + 1 < tags.length; i += 2) add(`t.${escaped(tags[i] ?? "")}`, tags[i + 1]);
  return { text, leftOut };
}

/** The word of nearly every exchange of an SDK: a few texts without tags, none of which must be escaped. */
function plainWord(context: MessageContext): string | undefined {
  const { connection, connectionSeq, peer, service, route, tags } = context;
  if (connection === undefined || connectionSeq === undefined || peer === undefined)
    return undefined;
  if (tags !== undefined || !PLAIN.test(peer)) return undefined;
  if (service !== undefined && !PLAIN.test(service)) return undefined;
  if (route !== undefined && !PLAIN.test(route)) return undefined;
  const named = service === undefined ? "" : `&s=${service}`;
  const routed = route === undefined ? "" : `&r=${route}`;
  return `c=${connection}&n=${connectionSeq}&p=${peer}${named}${routed}`;
}

/** The context that a word says, without what is malformed in it; undefined when it says nothing. */
export function parseContextWord(text: string): MessageContext | undefined {
  const found: Record<string, string | number> = {};
  const tags: string[] = [];
  for (const field of text.split("&")) {
    const equals = field.indexOf("=");
    const name = field.slice(0, Math.max(equals, 0));
    const value = field.slice(equals + 1);
    const number = NUMBERS.get(name);
    const string = TEXTS.get(name);
    if (name.startsWith("t.")) tags.push(unescaped(name.slice(2)), unescaped(value));
    else if (number !== undefined && /^\d{1,15}$/.test(value)) found[number] ??= Number(value);
    else if (string !== undefined) found[string] ??= unescaped(value);
  }
  const isEmpty = tags.length === 0 && Object.keys(found).length === 0;
  return isEmpty ? undefined : { ...found, ...(tags.length === 0 ? {} : { tags }) };
}

type NumberField = "connection" | "connectionSeq";
type TextField = "peer" | "service" | "route";
const NUMBERS: ReadonlyMap<string, NumberField> = new Map([
  ["c", "connection"],
  ["n", "connectionSeq"],
]);
const TEXTS: ReadonlyMap<string, TextField> = new Map([
  ["p", "peer"],
  ["s", "service"],
  ["r", "route"],
]);

/** Visible ASCII without `%`, `&` and `=`. */
const PLAIN = /^[!-$'-<>-~]*$/;
const BLANK = 0x20;
const DELETE = 0x7f;
const RESERVED: ReadonlySet<number> = new Set([0x25, 0x26, 0x3d]);

function escaped(text: string): string {
  if (PLAIN.test(text)) return text;
  let shown = "";
  for (const byte of Buffer.from(text, "utf8")) {
    const isPlain = byte > BLANK && byte < DELETE && !RESERVED.has(byte);
    shown += isPlain
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return shown;
}

/** A `%` without two digits behind it stands for itself; bytes that are no UTF-8 become U+FFFD. */
function unescaped(text: string): string {
  if (!text.includes("%")) return text;
  const bytes = text.replace(/%([\dA-Fa-f]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
  return Buffer.from(bytes, "latin1").toString("utf8");
}
