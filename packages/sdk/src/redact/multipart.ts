/**
 * Multipart bodies, as a string of one character a byte. Parts with a name of the rules are replaced, the text in others is
 * looked into by pattern. Strict, because receivers differ in what they forgive: anything odd throws `CannotLook`.
 */
import { spelledOut } from "./pairs.ts";
import type { ValueRules } from "./pairs.ts";
import { CannotLook } from "./replacer.ts";

const PARTS_MAX = 1000;

/** Redacts the content of a part by the content type that it names. */
export type PartRedactor = (content: string, contentType: string | undefined) => string;

export function redactMultipart(
  body: string,
  contentType: string,
  rules: ValueRules,
  redactContent: PartRedactor,
): string {
  const boundary = boundaryOf(contentType);
  const delimiter = `--${boundary}`;
  const pieces = body.split(delimiter);
  const last = pieces.pop() ?? "";
  if (pieces.length < 2 || pieces.length > PARTS_MAX || !/^--(?:\r\n)?$/.test(last)) fail();
  if (pieces[0] !== "" && pieces[0] !== "\r\n") fail();
  const isForm = /form-data/i.test(contentType);
  let changed = false;
  for (let i = 1; i < pieces.length; i += 1) {
    const piece = pieces[i] ?? "";
    const redacted = redactPart(piece, isForm, rules, redactContent);
    if (redacted !== piece) changed = true;
    pieces[i] = redacted;
  }
  return changed ? `${pieces.join(delimiter)}${delimiter}${last}` : body;
}

/** From the line end behind one delimiter to the one before the next. */
function redactPart(
  piece: string,
  isForm: boolean,
  { names, patterns, replacer }: ValueRules,
  redactContent: PartRedactor,
): string {
  const headEnd = piece.indexOf("\r\n\r\n");
  if (headEnd < 0 || !piece.startsWith("\r\n") || !piece.endsWith("\r\n")) fail();
  const head = piece.slice(2, headEnd);
  const content = piece.slice(headEnd + 4, -2);
  if (/[\r\n]/.test(head.replaceAll("\r\n", "")) || piece.length < headEnd + 6) fail();
  const name = nameOf(head, isForm);
  const as = name === undefined ? undefined : names.findParameter(name);
  const safeHead = head.split("\r\n").map((line) => patterns.apply(line)).join("\r\n"); // prettier-ignore
  const safe =
    as === undefined
      ? redactContent(content, fieldOf(head, "content-type"))
      : bytesOf(replacer.replace(textOf(content), as));
  return `\r\n${safeHead}\r\n\r\n${safe}\r\n`;
}

function nameOf(head: string, isForm: boolean): string | undefined {
  const encoding = fieldOf(head, "content-transfer-encoding");
  if (encoding !== undefined && !/^(?:7bit|8bit|binary)$/i.test(encoding)) fail();
  if (!isForm) return undefined;
  const disposition = fieldOf(head, "content-disposition") ?? fail();
  const match = /^form-data\s*;\s*name\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s";]+))(?:\s*;|\s*$)/i.exec(disposition); // prettier-ignore
  const name = match?.[1]?.replaceAll(/\\(.)/g, "$1") ?? match?.[2];
  // A second name, or one in another encoding: receivers differ in which they take.
  if (name === undefined || (disposition.match(/[;\s]name\*?\s*=/gi) ?? []).length > 1) fail();
  return spelledOut(textOf(name));
}

function fieldOf(head: string, lowerName: string): string | undefined {
  let found: string | undefined;
  for (const line of head.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon <= 0 || /^[ \t]/.test(line)) fail();
    if (line.slice(0, colon).trim().toLowerCase() !== lowerName) continue;
    if (found !== undefined) fail();
    found = line.slice(colon + 1).trim();
  }
  return found;
}

/** The type of a body that does not name it, but begins as a multipart form does. */
export function multipartTypeOf(body: string): string {
  const boundary = /^\s*--([^\s"\\]{1,70})\r\n/.exec(body.slice(0, 128))?.[1] ?? fail();
  return `multipart/form-data; boundary="${boundary}"`;
}

function boundaryOf(contentType: string): string {
  const found = [...contentType.matchAll(/;\s*boundary\s*=\s*(?:"([^"\\]{1,70})"|([^\s";,]{1,70}))/gi)]; // prettier-ignore
  const [match] = found;
  if (found.length !== 1) return fail();
  return match?.[1] ?? match?.[2] ?? fail();
}

function textOf(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}

function bytesOf(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

function fail(): never {
  throw new CannotLook("not multipart as the standard has it");
}
