// Stages that touch bodies: what is decoded, what stays as it is and is counted, what is cut and marked.
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { BodyState, HttpMessage, MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { describe, expect, it } from "vitest";
import { request, responseTo, run } from "../../test/kit.ts";

async function through(
  messages: readonly Message[],
  ...flags: string[]
): Promise<{ out: readonly Message[]; counts: unknown }> {
  const { collected, counters } = await run(messages, ["--output-collect", ...flags]);
  return { out: collected, counts: counters.stages };
}

const text = "hello, hello, hello";
const chunkedOf = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n0\r\nX-Sum: 1\r\n\r\n")]); // prettier-ignore

function post(fields: readonly string[], body: Buffer): Message {
  const head = ["POST / HTTP/1.1", "Host: a", ...fields, "", ""].join("\r\n");
  return request(head + body.toString("latin1"));
}

async function pretty(message: Message): Promise<string> {
  const { out, counts } = await through([message], "--prettify-http");
  expect(counts).toEqual([{ name: "prettify", counts: {} }]);
  return Buffer.from(out[0]?.http.raw ?? []).toString("latin1");
}

describe("--prettify-http", () => {
  const gzip = gzipSync(text);
  const plain = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${text.length}\r\nX: 1\r\n\r\n${text}`;

  it.each([
    ["gzip", [`Content-Length: ${gzip.length}`, "Content-Encoding: gzip", "X: 1"], gzip],
    ["x-gzip", [`Content-Length: ${gzip.length}`, "Content-Encoding: X-GZip", "X: 1"], gzip],
    ["deflate", ["Transfer-Encoding: chunked", "Content-Encoding: deflate", "X: 1"], chunkedOf(deflateSync(text))],
    ["bare deflate", ["Transfer-Encoding: chunked", "Content-Encoding: deflate", "X: 1"], chunkedOf(deflateRawSync(text))],
    ["br", ["Transfer-Encoding: chunked", "Content-Encoding: br", "X: 1"], chunkedOf(brotliCompressSync(text))],
    ["two codings", ["Transfer-Encoding: chunked", "Content-Encoding: gzip, br", "X: 1"], chunkedOf(brotliCompressSync(gzip))],
    ["chunked alone", ["Transfer-Encoding: chunked", "Trailer: X-Sum", "X: 1"], chunkedOf(Buffer.from(text))],
    ["identity in chunks", ["Transfer-Encoding: chunked", "Content-Encoding: identity", "X: 1"], chunkedOf(Buffer.from(text))],
  ])("decodes %s", async (_name, fields, body) => expect(await pretty(post(fields, body))).toBe(plain)); // prettier-ignore

  it("decodes responses of both kinds", async () => {
    const of = post([], Buffer.alloc(0));
    const raw = `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${gzip.length}\r\n\r\n${gzip.toString("latin1")}`;
    const response = responseTo(of, raw);
    const { out } = await through([response, { ...response, kind: MessageKind.replayed }], "--prettify-http"); // prettier-ignore
    for (const { http } of out) {
      expect(Buffer.from(http.raw).toString()).toBe(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`); // prettier-ignore
    }
    expect(out).toHaveLength(2);
  });

  it("works before rules", async () => {
    const message = post([`Content-Length: ${gzip.length}`, "Content-Encoding: gzip"], gzip);
    const { out } = await through([message], "--prettify-http", "--http-disallow-header", "Content-Encoding:.", "--http-set-header", "X: 1"); // prettier-ignore
    expect(Buffer.from(out[0]?.http.body ?? []).toString()).toBe(text);
  });

  it.each([
    ["nothing to decode", ["Content-Length: 3"], Buffer.from("abc")],
    ["no body", ["Content-Encoding: gzip"], Buffer.alloc(0)],
    ["a body that is not whole", ["Content-Length: 100", "Content-Encoding: gzip"], gzip],
  ])("leaves alone %s", async (_name, fields, body) => {
    const message = post(fields, body);
    expect(await pretty(message)).toBe(Buffer.from(message.http.raw).toString("latin1"));
  });

  const bomb = gzipSync(Buffer.alloc(40 * 1024 * 1024));
  it.each([
    ["undecodable", "gzip", Buffer.from("not gzip at all")],
    ["undecodable", "gzip", gzip.subarray(0, 20)],
    ["undecodable", "br, gzip", gzip],
    ["too-large", "gzip", bomb],
    ["unknown-coding", "exi", Buffer.from("abc")],
    ["unknown-coding", "gzip, gzip, gzip, gzip, gzip", gzip],
  ])("leaves as it is and counts what is %s: %s", async (reason, coding, body) => {
    const message = post([`Content-Length: ${body.length}`, `Content-Encoding: ${coding}`], body);
    const { out, counts } = await through([message], "--prettify-http");
    expect(out).toEqual([message]);
    expect(counts).toEqual([{ name: "prettify", counts: { [reason]: 1 } }]);
  });
});

describe("--copy-buffer-size", () => {
  it("cuts what is longer, marks it, and keeps the head whole", async () => {
    const short = post(["Content-Length: 5"], Buffer.from("short"));
    const long = post(["Content-Length: 2000"], Buffer.alloc(2000, "x"));
    const head = post([`X: ${"y".repeat(2000)}`, "Content-Length: 9"], Buffer.from("body body"));
    const parts: Message = { ...long, id: "p", http: HttpMessage.fromParts({ method: "PUT", target: "/", version: "HTTP/1.1", headers: ["Content-Length", "2000"] }, Buffer.alloc(2000, "x")) }; // prettier-ignore
    const { out, counts } = await through([short, long, head, parts], "--copy-buffer-size", "1kb");
    expect(out.map(({ http }) => http.raw.length)).toEqual([short.http.raw.length, 1024, head.http.raw.length - 9, 1024]); // prettier-ignore
    expect(out.map(({ context }) => context?.bodyState)).toEqual([undefined, BodyState.truncated, BodyState.truncated, BodyState.truncated]); // prettier-ignore
    expect(counts).toEqual([{ name: "copy-buffer-size", counts: { cut: 3 } }]);
  });

  it("cuts nothing by default", async () => {
    const long = post(["Content-Length: 6000000"], Buffer.alloc(6_000_000, "x"));
    const { out } = await through([long]);
    expect(out).toEqual([long]);
  });
});
