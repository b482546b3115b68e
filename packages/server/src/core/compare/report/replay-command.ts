/**
 * The commands that replay one exchange, for people to paste into a shell. In: a recorded request, where the target is, what ids are called
 * there. Out: a `curl` command and a `mirrorball` command; none where one cannot be written down.
 *
 * What was captured stands in single quotes, where a shell takes nothing for anything else. A body with control characters goes as base64.
 */
import { HttpMessage, MessageKind, isResponseHead } from "@mirrorball/protocol";
import type { HeaderList, RequestHead } from "@mirrorball/protocol";
import { substitute } from "../../correlate/request-values.ts";
import type { Substitute } from "../../correlate/request-values.ts";

/** Where exchanges can be replayed from and to. */
export interface ReplayPlace {
  /** The target as it was given, user and password left out. */
  readonly target: string;
  /** Recordings as they were given; none when the traffic came live. */
  readonly recordings: readonly string[];
}

/** Longer bodies are not for a command line. */
const BODY_BYTES_MAX = 8192;
/** Said by curl itself, or of the recorded connection. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  "host",
  "content-length",
  "connection",
  "keep-alive",
  "transfer-encoding",
  "te",
  "trailer",
  "upgrade",
  "proxy-connection",
  "expect",
]);
/** Fields that curl adds where they are missing. */
const ADDED_BY_CURL = ["accept", "user-agent"];
// oxlint-disable-next-line no-control-regex -- they are what this refuses
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
// oxlint-disable-next-line no-control-regex -- but for a new line and a tab
const CONTROL_IN_BODY = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\ufffd]/;

/** A token (RFC 9110 5.6.2); curl takes other words for something else. */
const FIELD_NAME = /^[\w!#$%&'*+.^`|~-]+$/;

/** `raw`: the recorded request. `image`: what a value is called at the target. */
export function curlCommand(
  raw: Uint8Array,
  { target }: ReplayPlace,
  image: Substitute,
): string | undefined {
  const recorded = HttpMessage.fromRaw(raw);
  const { http } = substitute(
    { kind: MessageKind.request, id: "", startedAt: 0, latencyNs: 0, http: recorded },
    image,
  );
  const { head, body } = http;
  if (head === undefined || isResponseHead(head) || body.length > BODY_BYTES_MAX) return undefined;
  const url = urlOf(target, head.target);
  if (url === undefined || CONTROL.test(url) || CONTROL.test(head.method)) return undefined;
  const fields = fieldWords(head, body.length > 0);
  if (fields === undefined) return undefined;
  const method = head.method === "HEAD" ? ["-I"] : ["-i", "-X", quoted(head.method)];
  const words = ["curl", "-sS", "-g", "--path-as-is", ...method, ...fields];
  if (body.length === 0) return [...words, quoted(url)].join(" ");
  const text = Buffer.from(body).toString("utf8");
  if (!CONTROL_IN_BODY.test(text)) {
    return [...words, "--data-raw", quoted(text), quoted(url)].join(" ");
  }
  const encoded = Buffer.from(body).toString("base64");
  return `printf %s ${encoded} | base64 -d | ${[...words, "--data-binary", "@-", quoted(url)].join(" ")}`;
}

/** The whole way of that exchange: with those of its session that it needs, correlated and compared. */
export function mirrorballCommand(
  id: string,
  { target, recordings }: ReplayPlace,
): string | undefined {
  const words = [...recordings, target, id];
  if (recordings.length === 0 || words.some((word) => CONTROL.test(word))) return undefined;
  return `mirrorball compare ${recordings.map(quoted).join(" ")} --target ${quoted(target)} --only ${quoted(id)}`;
}

/** A target without a path of its own takes the recorded one, as replays do by default. */
function urlOf(target: string, recorded: string): string | undefined {
  if (/^unix:/i.test(target)) return undefined;
  const full = target.includes("://") ? target : `http://${target}`;
  const origin = /^https?:\/\/[^/?#]+/i.exec(full)?.[0];
  if (origin === undefined) return undefined;
  const path = full.slice(origin.length);
  if (path !== "" && path !== "/") return `${origin}${path}`;
  const own = recorded.replace(/^https?:\/\/[^/?#]*/i, "");
  return own.startsWith("/") ? `${origin}${own}` : undefined;
}

function fieldWords({ headers }: RequestHead, hasBody: boolean): string[] | undefined {
  const words: string[] = [];
  const names = namesOf(headers);
  if (names.has("accept-encoding")) words.push("--compressed");
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const [name = "", value = ""] = [headers[i], headers[i + 1]];
    if (LEFT_OUT.has(name.toLowerCase())) continue;
    if (!FIELD_NAME.test(name) || CONTROL.test(value.replaceAll("\t", " "))) return undefined;
    // With nothing behind the colon curl leaves the field out.
    words.push("-H", quoted(value === "" ? `${name};` : `${name}: ${value}`));
  }
  const added = hasBody ? [...ADDED_BY_CURL, "content-type"] : ADDED_BY_CURL;
  for (const name of added) if (!names.has(name)) words.push("-H", quoted(`${name}:`));
  return words;
}

function namesOf(headers: HeaderList): Set<string> {
  return new Set(headers.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase()));
}

/** As one word of a POSIX shell, whatever it holds. */
export function quoted(text: string): string {
  return /^[\w@%+:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
