/** What the admin server serves at a path, and how a route answers. Knows nothing of what the routes are about. */
import type { IncomingMessage, ServerResponse } from "node:http";

export interface Route {
  readonly method: "GET" | "POST";
  /** The whole path; or all below it, when it ends in `/`. */
  readonly path: string;
  /**
   * `open`: without a token, as supervisors ask. `bearer`: who sends the tools' token, or anybody where there is none, as scrapers ask. `inside`: only who
   * showed the page's token.
   */
  readonly access: "open" | "bearer" | "inside";
  readonly answer: (request: RoutedRequest, response: ServerResponse) => void | Promise<void>;
}

export interface RoutedRequest {
  /** What is left of the path behind the route's. */
  readonly rest: string;
  readonly query: URLSearchParams;
  readonly message: IncomingMessage;
}

/** On every answer: nothing is guessed, framed, stored or told to others, and nothing runs that is not ours. */
export const SAFETY_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-frame-options": "DENY",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store",
};

export function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(text);
}

export function sendJson(response: ServerResponse, value: unknown): void {
  response
    .writeHead(200, { "content-type": "application/json" })
    .end(plainJson(JSON.stringify(value)));
}

/** The same JSON in plain ASCII without markup, whatever peers chose: for terminals, and for browsers that guess. */
export function plainJson(json: string): string {
  return json.replace(
    /[^\u0020-\u007e]|[<>&]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Bytes to keep, never to show: whatever they are, a browser does not open them. */
export function sendFile(
  response: ServerResponse,
  name: string,
  type: string,
  bytes: Uint8Array,
): void {
  response
    .writeHead(200, {
      "content-type": type,
      "content-length": bytes.length,
      "content-disposition": `attachment; filename="${name.replaceAll(/[^\w.-]/g, "_")}"`,
    })
    .end(bytes);
}
