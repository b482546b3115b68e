// Requests as bytes: an independent parser must find exactly one request with the recorded parts in what was written.
import { HttpMessage, isResponseHead } from "@mirrorball/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RequestWriter, originForm } from "./request-writer.ts";
import type { RequestParts } from "./request-writer.ts";

const NONE = new Uint8Array(0);
const writer = new RequestWriter();

function written(parts: Partial<RequestParts>): string {
  const fault = writer.write({
    method: "GET",
    path: "/",
    headers: [],
    body: NONE,
    trailers: [],
    host: undefined,
    hostDefault: "target.test",
    authorization: undefined,
    marked: false,
    via: undefined,
    ...parts,
  });
  if (fault !== undefined) return `refused: ${fault}`;
  return Buffer.concat([writer.bytes.subarray(0, writer.length), ...writer.rest]).toString(
    "latin1",
  );
}

const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");
const lines = (text: string): string[] => text.split("\r\n").slice(1, -2);

describe("RequestWriter", () => {
  it("writes the absolute form and credentials for a proxy, and checks them like all else", () => {
    const via = { origin: "http://target.test:8080", authorization: "Basic dTpw" };
    expect(written({ path: "/a?b", via })).toBe(
      "GET http://target.test:8080/a?b HTTP/1.1\r\nHost: target.test\r\nProxy-Authorization: Basic dTpw\r\n\r\n",
    );
    expect(written({ method: "OPTIONS", path: "*", via })).toMatch(
      /^OPTIONS http:\/\/target\.test:8080 HTTP/,
    );
    expect(written({ via: { origin: "http://a b", authorization: undefined } })).toMatch(
      /^refused/,
    );
  });

  it("adds Host only when there is none, and replaces its value only when told to", () => {
    expect(lines(written({ headers: ["A", "1"] }))).toEqual(["A: 1", "Host: target.test"]);
    expect(lines(written({ headers: ["host", "recorded"] }))).toEqual(["host: recorded"]);
    const twice = ["HOST", "recorded", "Host", "again"];
    expect(lines(written({ headers: twice, host: "other" }))).toEqual(["HOST: other"]);
  });

  it("replaces Authorization where it stands, or adds it", () => {
    const parts = { host: "h", authorization: "Basic eA==" };
    expect(lines(written({ ...parts, headers: ["authorization", "old", "Host", "x"] }))).toEqual([
      "authorization: Basic eA==",
      "Host: h",
    ]);
    expect(lines(written({ ...parts, headers: ["Host", "x"] }))).toEqual([
      "Host: h",
      "Authorization: Basic eA==",
    ]);
  });

  it("gives a body the length that it has", () => {
    const body = bytes("abc");
    expect(lines(written({ headers: ["Host", "x"], body }).replace("abc", ""))).toEqual([
      "Host: x",
      "Content-Length: 3",
    ]);
    expect(written({ headers: ["Content-Length", "9", "content-length", "3"], body })).toContain(
      "\r\nContent-Length: 3\r\nHost: target.test\r\n\r\nabc",
    );
    expect(lines(written({ headers: ["Content-Length", "0"] }))).toContain("Content-Length: 0");
    expect(written({ headers: ["Transfer-Encoding", "gzip, chunked"], body })).not.toContain("Transfer");
  }); // prettier-ignore

  it("keeps chunks and trailers", () => {
    const headers = ["Host", "x", "Trailer", "X-Sum", "transfer-encoding", "chunked"];
    expect(written({ headers, body: bytes("abc"), trailers: ["X-Sum", "1"] })).toBe(
      "GET / HTTP/1.1\r\nHost: x\r\nTrailer: X-Sum\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n",
    );
    const large = Buffer.alloc(100_000, 0x61);
    const text = written({ headers, body: large, trailers: ["X-Sum", "1"] });
    expect(text.endsWith(`186a0\r\n${large.toString()}\r\n0\r\nX-Sum: 1\r\n\r\n`)).toBe(true);
    expect(written({ headers, trailers: ["X: y\r\nZ", "1"] })).toContain("refused");
  });

  it("takes an absolute target's path only", () => {
    expect(["/a", "*", "http://h/a?b", "HTTP://u@h:1", "https://h?q", "h:80", "a", ""].map(originForm)).toEqual(
      ["/a", "*", "/a?b", "/", "/?q", "", "", ""],
    );
  }); // prettier-ignore

  it("writes exactly one request with the recorded parts, or refuses", () => {
    const name = fc.constantFrom(
      "Host",
      "X-A",
      "content-length",
      "Transfer-Encoding",
      "Connection",
      "cookie",
      "TE",
      "X-Hop",
      "bad name",
      "bad:name",
    );
    const value = fc.oneof(
      fc.constantFrom("chunked", "3", "x-hop", "keep-alive", "close"),
      fc.string({ maxLength: 8, unit: "binary" }),
    );
    const parts = fc.record({
      method: fc.constantFrom("GET", "POST", "M-SEARCH", "A B", ""),
      path: fc.oneof(fc.constantFrom("/", "*", "/a?b=c"), fc.string({ maxLength: 5, unit: "binary" }).map((text) => `/${text}`)),
      fields: fc.array(fc.tuple(name, value), { maxLength: 6 }),
      body: fc.uint8Array({ maxLength: 40 }),
    }); // prettier-ignore
    fc.assert(
      fc.property(parts, ({ method, path, fields, body }) => {
        const text = written({ method, path, headers: fields.flat(), body });
        if (text.startsWith("refused")) {
          const all = [method, path, ...fields.flat()].join("");
          // oxlint-disable-next-line no-control-regex -- what may be refused
          expect(/[\x00-\x1f\x7f\u0100-\uffff]|bad|A B/.test(all) || method === "" || path.includes(" ")).toBe(true);
          return;
        }
        const message = HttpMessage.fromRaw(Buffer.from(text, "latin1"));
        const { head } = message;
        if (head === undefined || isResponseHead(head)) throw new Error(`not a request: ${text}`);
        expect([head.method, head.target]).toEqual([method, path]);
        expect(Buffer.from(message.body).equals(body)).toBe(true);
        expect(message.bodyComplete).toBe(true);
        // Nothing behind it: the framing that was written covers every byte.
        const framed = /^(?:transfer-encoding: chunked|content-length: \d+)\r$/im.test(text);
        if (!framed) expect(text.endsWith("\r\n\r\n")).toBe(true);
      }),
      { numRuns: 2000 },
    ); // prettier-ignore
  });
});
