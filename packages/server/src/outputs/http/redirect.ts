/** What a redirect asks for. Pure. In: the answer's head, the request it answers. Out: the next request. */
import { headerValue, parseHead } from "@mirrorball/protocol";
import type { HeaderList } from "@mirrorball/protocol";

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** They were meant for the target, and go nowhere else. */
const CREDENTIALS: ReadonlySet<string> = new Set(["authorization", "cookie", "cookie2"]);

export interface Redirected {
  readonly url: URL;
  readonly method: string;
  readonly headers: HeaderList;
  readonly keepsBody: boolean;
}

/** The request to send next, or undefined when the answer is no redirect that can be followed. */
export function redirectOf(
  status: number,
  headText: string,
  sentTo: string,
  sent: { readonly method: string; readonly headers: HeaderList },
): Redirected | undefined {
  if (!REDIRECTS.has(status)) return undefined;
  const location = headerValue(parseHead(headText)?.headers ?? [], "location");
  if (location === undefined || !URL.canParse(location, sentTo)) return undefined;
  const url = new URL(location, sentTo);
  if (url.protocol !== "http:" && url.protocol !== "https:") return undefined;
  // RFC 9110 15.4: 307 and 308 keep method and body, the others become GET, as browsers and gor do.
  const keepsBody = status === 307 || status === 308;
  const method = keepsBody || sent.method === "HEAD" ? sent.method : "GET";
  const leaves = url.origin !== new URL(sentTo).origin;
  const headers = sent.headers.flatMap((name, i) => {
    if (i % 2 !== 0) return [];
    const lower = name.toLowerCase();
    if (!keepsBody && describesBody(lower)) return [];
    if (leaves && CREDENTIALS.has(lower)) return [];
    return [name, sent.headers[i + 1] ?? ""];
  });
  return { url, method, headers, keepsBody };
}

function describesBody(name: string): boolean {
  return name.startsWith("content-") || name === "transfer-encoding" || name === "trailer";
}
