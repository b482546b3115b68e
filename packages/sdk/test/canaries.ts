// Secrets in every position of an exchange, and a search for them in whatever came of it.
import { randomBytes } from "node:crypto";
import type { RequestListener } from "node:http";
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync, inflateSync } from "node:zlib"; // prettier-ignore
import type { MirrorOptions } from "@mirrorball/sdk";
import { talk } from "./wire.ts";

export interface Canary {
  readonly position: string;
  /** What must not be found: the secret, and how it was spelled. */
  readonly secrets: readonly string[];
  /** Written one after another. */
  readonly request: readonly (string | Buffer)[];
  readonly answer?: RequestListener;
}

export const RULES: NonNullable<MirrorOptions["redact"]> = {
  defaults: true,
  patterns: [/CANARY[\w%]*/i, /eyJ[\w-]+\.[\w-]+\.[\w-]+/, /\b\d{4}[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}\b/],
}; // prettier-ignore
/** By name only: for the positions that have a name. */
export const NAME_RULES: NonNullable<MirrorOptions["redact"]> = { defaults: true };

type Maker = (secret: string) => Omit<Canary, "position" | "secrets"> & {
  readonly spelled?: readonly string[];
};

const percent = (text: string): string =>
  Array.from(text, (char) => `%${char.charCodeAt(0).toString(16)}`).join("");
const escaped = (text: string): string =>
  Array.from(text, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`).join("");
const base64 = (text: string): string => Buffer.from(text).toString("base64url");
const jwtOf = (secret: string): string => `${base64('{"alg":"none"}')}.${base64(`{"s":"${secret}"}`)}.${base64("sig")}`; // prettier-ignore

function get(target: string, ...fields: string[]): string[] {
  return [["GET", target, "HTTP/1.1\r\nHost: a\r\nConnection: close"].join(" ") + fields.map((field) => `\r\n${field}`).join("") + "\r\n\r\n"]; // prettier-ignore
}

function post(type: string, body: string | Buffer, ...fields: string[]): (string | Buffer)[] {
  const bytes = Buffer.from(body);
  const lines = ["POST /in HTTP/1.1", "Host: a", "Connection: close", `Content-Type: ${type}`, `Content-Length: ${bytes.length}`, ...fields, "", ""]; // prettier-ignore
  return [lines.join("\r\n"), bytes];
}

/** Parts without a type. */
function multipart(...parts: [head: string, content: string][]): string {
  return parts.map(([head, content]) => `--xyz\r\n${head}\r\n\r\n${content}\r\n`).join("") + "--xyz--\r\n";
} // prettier-ignore

const wide = (text: string): Buffer => Buffer.from(text, "utf16le").swap16();
const FORM = "application/x-www-form-urlencoded";

const answering = (type: string, body: string | Buffer, ...more: [string, string][]): RequestListener => (_req, res) => {
  res.setHeader("Content-Type", type);
  for (const [name, value] of more) res.appendHeader(name, value);
  res.end(body);
}; // prettier-ignore

/** Those that names find. */
const BY_NAME: Readonly<Record<string, Maker>> = {
  "a header field": (s) => ({ request: get("/", `Authorization: Bearer ${s}`) }),
  "a doubled header field": (s) => ({ request: get("/", "X-Api-Key: harmless", `x-api-key: ${s}`) }),
  "basic credentials": (s) => ({ request: get("/", `Authorization: Basic ${base64(`me:${s}`)}`), spelled: [base64(`me:${s}`)] }),
  "a JWT": (s) => ({ request: get("/", `Authorization: Bearer ${jwtOf(s)}`), spelled: [jwtOf(s)] }),
  "a cookie": (s) => ({ request: get("/", `Cookie: a=1; session=${s}; b=2`) }),
  "a quoted cookie in a second field": (s) => ({ request: get("/", "Cookie: a=1", `Cookie: session="${s}"`) }),
  "a query parameter": (s) => ({ request: get(`/a?x=1&token=${s}&y=2`) }),
  "an encoded query parameter": (s) => ({ request: get(`/a?${percent("token")}=${percent(s)}`), spelled: [percent(s)] }),
  "a nested query parameter": (s) => ({ request: get(`/a?user[password]=${s}`) }),
  "the query of the referring page": (s) => ({ request: get("/", `Referer: http://a/?token=${s}`) }),
  "credentials in an absolute target": (s) => ({ request: get(`http://me:${s}@a/`) }),
  "nested JSON": (s) => ({ request: post("application/json", `{"a":[{"b":{"password":"${s}"}}]}`) }),
  "escaped JSON": (s) => ({ request: post("application/json", `{"${escaped("token")}":"${escaped(s)}"}`), spelled: [escaped(s)] }),
  "JSON below a doubled name": (s) => ({ request: post("application/json", `{"u":{"password":"${s}"},"u":0}`) }),
  "broken JSON": (s) => ({ request: post("application/json", `{"password":"${s}"`) }),
  "JSON sent as text": (s) => ({ request: post("text/plain;charset=UTF-8", `{"password":"${s}"}`) }),
  "JSON lines": (s) => ({ request: post("application/x-ndjson", `{"a":1}\n{"password":"${s}"}\n`) }),
  "a form": (s) => ({ request: post("application/x-www-form-urlencoded", `a=1&password=${s}`) }),
  "an encoded form": (s) => ({ request: post("application/x-www-form-urlencoded", `a=1&p%61ssword=${percent(s)}`), spelled: [percent(s)] }),
  "a multipart form": (s) => ({ request: post("multipart/form-data; boundary=xyz", `--xyz\r\nContent-Disposition: form-data; name="password"\r\n\r\n${s}\r\n--xyz--\r\n`) }),
  "JSON in a multipart form": (s) => ({ request: post("multipart/form-data; boundary=xyz", `--xyz\r\nContent-Disposition: form-data; name="data"\r\nContent-Type: application/json\r\n\r\n{"token":"${s}"}\r\n--xyz--\r\n`) }),
  "chunks that split it": (s) => {
    const [left, right] = [`{"password":"${s.slice(0, 9)}`, `${s.slice(9)}"}`];
    const head = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;
    return { request: [head + chunk(left), `${chunk(right)}0\r\n\r\n`], spelled: [s.slice(9)] };
  },
  "a compressed body": (s) => ({ request: post("application/json", gzipSync(`{"password":"${s}"}`), "Content-Encoding: gzip") }),
  "a body in an unknown encoding": (s) => ({ request: post("application/json", `{"password":"${s}"}`, "Content-Encoding: rot13") }),
  "a trailer": (s) => ({ request: [`POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Token: ${s}\r\n\r\n`] }),
  "GraphQL variables": (s) => ({ request: post("application/json", JSON.stringify({ query: "mutation($p: String!) { login(password: $p) }", variables: { password: s } })) }),
  "a cookie that is set": (s) => ({ request: get("/"), answer: answering("text/plain", "x", ["Set-Cookie", "a=1; Path=/"], ["Set-Cookie", `session=${s}; HttpOnly`]) }),
  "the place of a redirect": (s) => ({ request: get("/"), answer: answering("text/plain", "x", ["Location", `/next?token=${s}`]) }),
  "JSON in a response": (s) => ({ request: get("/"), answer: answering("application/json", `{"access_token":"${s}"}`) }),
  "compressed JSON in a response": (s) => ({ request: get("/"), answer: answering("application/json", brotliCompressSync(`{"access_token":"${s}"}`), ["Content-Encoding", "br"]) }),
  "an event of a stream": (s) => ({ request: get("/"), answer: answering("text/event-stream", `data: {"token":"${s}"}\n\n`) }),
  "a trailer of a response": (s) => ({ request: get("/"), answer: (_req, res) => { res.write("x"); res.addTrailers({ "X-Token": s }); res.end(); } }),
  "a response that travels in pieces": (s) => ({ request: get("/"), answer: (_req, res) => {
    res.setHeader("Content-Type", "application/json");
    res.write(`{"a":"${"x".repeat(120_000)}",`);
    setImmediate(() => res.end(`"token":"${s}"}`));
  } }),
  "the fragment of a redirect": (s) => ({ request: get("/"), answer: answering("text/plain", "x", ["Location", `https://a/cb?state=1#access_token=${s}&x=1`]) }),
  "a URL within a redirect": (s) => ({ request: get("/"), answer: answering("text/plain", "x", ["Location", `/in?next=${encodeURIComponent(`/cb?token=${s}`)}`]) }),
  "a refresh": (s) => ({ request: get("/"), answer: answering("text/plain", "x", ["Refresh", `0; url=/p?token=${s}`]) }),
  "a link": (s) => ({ request: get("/"), answer: answering("text/plain", "x", ["Link", `</p?token=${s}>; rel=next`]) }),
  "a destination": (s) => ({ request: get("/", `Destination: https://a/?token=${s}`, `X-Original-URL: /p?token=${s}`) }),
  "a subprotocol": (s) => ({ request: get("/", `Sec-WebSocket-Protocol: bearer, ${s}`) }),
  "a session's field": (s) => ({ request: get("/", `X-Session-Id: ${s}`, `X-CSRF: ${s}`) }),
  "JSON in a header field": (s) => ({ request: get("/", `X-Data: {"password":"${s}"}`) }),
  "the fragment of a target": (s) => ({ request: get(`/p#access_token=${s}`) }),
  "a parameter of the path": (s) => ({ request: get(`/p;jsessionid=${s}?a=1`) }),
  "a query within a query": (s) => ({ request: get(`/p?a=b?token=${s}`) }),
  "a URL within a query": (s) => ({ request: get(`/p?next=${encodeURIComponent(`/cb?next=${encodeURIComponent(`/x?token=${s}`)}`)}`) }),
  "a name encoded twice": (s) => ({ request: get(`/p?%2574oken=${s}`) }),
  "names of today": (s) => ({ request: get(`/p?jwt=${s}&sessionId=${s}&code=${s}&SAMLResponse=${s}`) }),
  "names of today in JSON": (s) => ({ request: post("application/json", `{"jwt":"${s}","sessionId":"${s}","code":"${s}","SAMLResponse":"${s}","user.otp":"${s}","user_pin":"${s}"}`) }),
  "an authorization code": (s) => ({ request: post(FORM, `grant_type=authorization_code&code=${s}`) }),
  "an answer to SAML": (s) => ({ request: post(FORM, `SAMLResponse=${s}`) }),
  "JSON in JSON": (s) => ({ request: post("application/json", JSON.stringify({ a: JSON.stringify({ password: s }) })) }),
  "JSON in a form": (s) => ({ request: post(FORM, `payload=${encodeURIComponent(`{"password":"${s}"}`)}`) }),
  "JSON sent as a form": (s) => ({ request: post(FORM, `{"password":"${s}"}`) }),
  "a form of lines": (s) => ({ request: post(FORM, `a=1\npassword=${s}`) }),
  "a form with a line in front": (s) => ({ request: post("text/plain", `\npassword=${s}`) }),
  "a form with a flag": (s) => ({ request: post("text/plain", `flag&password=${s}`) }),
  "a form of a browser's text": (s) => ({ request: post("text/plain", `user=bob\r\npassword=${s}\r\n`) }),
  "guarded JSON": (s) => ({ request: get("/"), answer: answering("text/plain", `)]}',\n{"password":"${s}"}`) }),
  "a body without a type": (s) => ({ request: [`POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${14 + s.length}\r\n\r\nflag&password=${s}`] }),
  "JSON of an unknown type": (s) => ({ request: post("application/octet-stream", `{"password":"${s}"}`) }),
  "JSON said to be a page": (s) => ({ request: get("/"), answer: answering("text/html", `{"password":"${s}"}`) }),
  "JSON handed to a function": (s) => ({ request: get("/"), answer: answering("text/javascript", `/**/ typeof cb === 'function' && cb({"password":"${s}"});`) }),
  "UTF-16": (s) => ({ request: post("text/plain", wide(`{"password":"${s}"}`)), spelled: [wide(s).toString("latin1")] }),
  "UTF-16 with a mark": (s) => ({ request: post("text/plain", Buffer.concat([Buffer.from([0xfe, 0xff]), wide(`{"password":"${s}"}`)])), spelled: [wide(s).toString("latin1")] }),
  "a GraphQL upload": (s) => ({ request: post("multipart/form-data; boundary=xyz", multipart(['Content-Disposition: form-data; name="operations"', `{"variables":{"password":"${s}"}}`])) }),
  "a part that is a request": (s) => ({ request: post("multipart/mixed; boundary=xyz", multipart(["Content-Type: application/http", `POST / HTTP/1.1\r\nAuthorization: ${s}\r\n\r\n{"password":"${s}"}`])) }),
  "XML": (s) => ({ request: post("application/xml", `<a><n:password>${s}</n:password></a>`) }),
  "an attribute of XML": (s) => ({ request: post("text/xml", `<add key="Password" value="${s}"/>`) }),
  "GraphQL by its type": (s) => ({ request: post("application/graphql", `mutation { login(password: "${s}") }`) }),
  "GraphQL literals": (s) => ({ request: post("application/json", JSON.stringify({ query: `mutation { login(password: "${s}") }` })) }),
  "YAML": (s) => ({ request: post("application/yaml", `a: 1\npassword: ${s}\n`) }),
  "an event with two blanks": (s) => ({ request: get("/"), answer: answering("text/event-stream", `data:  {"token":"${s}"}\n\n`) }),
  "an event with a tab": (s) => ({ request: get("/"), answer: answering("text/event-stream", `data:\t{"token":"${s}"}\n\n`) }),
  "an event behind a mark": (s) => ({ request: get("/"), answer: answering("text/event-stream", `\ufeffdata: {"token":"${s}"}\n\n`) }),
  "an event of a list": (s) => ({ request: get("/"), answer: answering("text/event-stream", `data: [true,{"token":"${s}"}]\n\n`) }),
  "an event of several lines": (s) => ({ request: get("/"), answer: answering("text/event-stream", `data: {"token":\ndata: "${s}"}\n\n`) }),
  "an event with text around": (s) => ({ request: get("/"), answer: answering("text/event-stream", `data: msg {"token":"${s}"}\n\n`) }),
}; // prettier-ignore

/** Those without a name. */
const BY_PATTERN: Readonly<Record<string, Maker>> = {
  "the path": (s) => ({ request: get(`/reset/${s}/now`) }),
  "the path, encoded": (s) => ({ request: get(`/reset/${percent(s)}`), spelled: [percent(s)] }),
  "a header field of any name": (s) => ({ request: get("/", `X-Note: it is ${s}, or so`) }),
  "text": (s) => ({ request: post("text/html", `<p>${s}</p>`) }),
  "the name of a JSON field": (s) => ({ request: post("application/json", `{"${s}":1}`) }),
  "a file in a form": (s) => ({ request: post("multipart/form-data; boundary=xyz", `--xyz\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\n.. ${s} ..\r\n--xyz--\r\n`) }),
  "a JWT in a path": (s) => ({ request: get(`/verify/${jwtOf(s)}`), spelled: [jwtOf(s)] }),
}; // prettier-ignore

/** `count` of them, over all positions. */
export function canaries(
  count: number,
  { patterns = true }: { readonly patterns?: boolean } = {},
): Canary[] {
  const makers = Object.entries(patterns ? { ...BY_NAME, ...BY_PATTERN } : BY_NAME);
  return Array.from({ length: count }, (_, i) => {
    const [position, make] = makers[i % makers.length] ?? [
      "none",
      (): ReturnType<Maker> => ({ request: [] }),
    ];
    const secret = `canary${randomBytes(12).toString("hex")}`;
    const { spelled = [], ...made } = make(secret);
    return { position, secrets: [secret, ...spelled], ...made };
  });
}

/** Sends them, some at a time; the server must use `listenerFor` the same list. */
export async function sing(port: number, list: readonly Canary[]): Promise<void> {
  const rest = list.entries();
  const singer = async (): Promise<void> => {
    for (const [i, { request }] of rest) {
      const [head = "", ...more] = request;
      const answer = await talk(port, head.toString().replace("\r\n", `\r\nX-Canary: ${i}\r\n`), ...more);
      if (!answer.toString("latin1").startsWith("HTTP/1.1 200")) throw new Error(answer.toString("latin1"));
    }
  }; // prettier-ignore
  await Promise.all(Array.from({ length: 8 }, singer));
}

export function listenerFor(list: readonly Canary[]): RequestListener {
  return (req, res) => {
    const canary = list[Number(req.headers["x-canary"])];
    req.resume().on("end", () => {
      if (canary?.answer === undefined) res.end("ok");
      else canary.answer(req, res);
    });
  };
}

/** The positions whose secret is in one of these, as it is or compressed. */
export function found(list: readonly Canary[], places: Iterable<Uint8Array>): string[] {
  const all = [...places].map((bytes) => Buffer.from(bytes));
  const texts = [...all, ...all.flatMap(unpacked)].map((bytes) => bytes.toString("latin1"));
  const heap = texts.join("\n");
  return list
    .filter(({ secrets }) => secrets.some((secret) => heap.includes(secret)))
    .map(({ position }) => position);
}

function unpacked(bytes: Buffer): Buffer[] {
  const plain: Buffer[] = [];
  for (const decode of [gunzipSync, inflateSync, brotliDecompressSync]) {
    try {
      plain.push(decode(bytes));
    } catch {
      // It was not that.
    }
  }
  return plain;
}
