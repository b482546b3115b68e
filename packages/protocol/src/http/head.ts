/**
 * The head of an HTTP/1 message: start line and header fields, as parsed parts and as text.
 *
 * In and out: strings in which one character is one byte (latin1), because HTTP heads are bytes and Node
 * hands them out so. Order, case and duplicates of header fields are kept. This file does not judge
 * framing and never looks at a body.
 */

/** Header fields as a flat list: name, value, name, value … in wire order. */
export type HeaderList = readonly string[];

export interface RequestHead {
  readonly method: string;
  readonly target: string;
  /** `HTTP/1.1` */
  readonly version: string;
  readonly headers: HeaderList;
}

export interface ResponseHead {
  readonly version: string;
  readonly status: number;
  readonly reason: string;
  readonly headers: HeaderList;
}

export type Head = RequestHead | ResponseHead;

export function isResponseHead(head: Head): head is ResponseHead {
  return "status" in head;
}

/** The value of the first field called `name` (lower case), or undefined. RFC 9110 5.1: names ignore case. */
export function headerValue(headers: HeaderList, name: string): string | undefined {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const candidate = headers[i];
    if (candidate === undefined || candidate.length !== name.length) continue;
    if (candidate === name || candidate.toLowerCase() === name) return headers[i + 1];
  }
  return undefined;
}

const STATUS_LINE = /^(HTTP\/\d\.\d) (\d{3})(?: (.*))?$/;
const REQUEST_LINE = /^([^\s]+) (\S+)(?: (HTTP\/\d\.\d))?$/;

/**
 * Parses a head given as text up to and including its blank line (or without it).
 * Accepts bare LF line ends, as RFC 9112 2.2 allows a recipient to. Returns undefined when the start line is
 * neither a request line nor a status line, or a header line has no colon.
 */
export function parseHead(text: string): Head | undefined {
  const lines = text.split("\n");
  const first = stripCr(lines[0] ?? "");
  const headers = parseHeaderLines(lines, 1);
  if (headers === undefined) return undefined;
  const status = STATUS_LINE.exec(first);
  if (status !== null) {
    const [, version = "", code = "", reason = ""] = status;
    return { version, status: Number(code), reason, headers };
  }
  const request = REQUEST_LINE.exec(first);
  if (request === null) return looseRequestHead(first, headers);
  const [, method = "", target = "", version = "HTTP/1.0"] = request;
  return { method, target, version, headers };
}

const VERSION = /^HTTP\/(\d+)(?:\.(\d*))?(?:\.[\d.]*)?$/;

/**
 * A request line in a form that servers answer although RFC 9112 has it otherwise: blanks and tabs in number, a version with
 * more or fewer digits. Who keeps such a request has the line as it was; these are its words.
 */
function looseRequestHead(line: string, headers: readonly string[]): RequestHead | undefined {
  const words = line.split(/[ \t]/).filter((word) => word !== "");
  const [method, target, written] = words;
  if (method === undefined || target === undefined || written === undefined) return undefined;
  const version = VERSION.exec(written);
  if (version === null || words.length > 3 || /^[ \t]/.test(line)) return undefined;
  const isOld = version[1] === "1" && Number(version[2] ?? 0) === 0;
  return { method, target, version: isOld ? "HTTP/1.0" : "HTTP/1.1", headers };
}

function parseHeaderLines(lines: readonly string[], from: number): string[] | undefined {
  const headers: string[] = [];
  for (let i = from; i < lines.length; i += 1) {
    const line = stripCr(lines[i] ?? "");
    if (line === "") break;
    // RFC 9112 5.2: an obsolete folded line continues the value before it.
    if ((line.startsWith(" ") || line.startsWith("\t")) && headers.length > 0) {
      headers[headers.length - 1] = `${headers.at(-1) ?? ""} ${line.trim()}`;
      continue;
    }
    const colon = line.indexOf(":");
    if (colon <= 0) return undefined;
    headers.push(line.slice(0, colon), trimOws(line.slice(colon + 1)));
  }
  return headers;
}

function stripCr(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}

/** Optional white space is blanks and tabs only (RFC 9110 5.6.3), not everything `trim` takes. */
function trimOws(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isOws(value.charCodeAt(start))) start += 1;
  while (end > start && isOws(value.charCodeAt(end - 1))) end -= 1;
  return value.slice(start, end);
}

function isOws(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** The head as text, blank line included. */
export function formatHead(head: Head): string {
  let text = isResponseHead(head)
    ? `${head.version} ${String(head.status).padStart(3, "0")} ${head.reason}\r\n`
    : `${head.method} ${head.target} ${head.version}\r\n`;
  const { headers } = head;
  for (let i = 0; i + 1 < headers.length; i += 2) text += `${headers[i]}: ${headers[i + 1]}\r\n`;
  return `${text}\r\n`;
}
