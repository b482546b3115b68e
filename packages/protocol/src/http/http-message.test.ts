import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RequestHead } from "./head.ts";
import { HttpMessage, contentLength, headEnd, isChunked } from "./http-message.ts";

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
const raw = (source: string): HttpMessage => HttpMessage.fromRaw(Buffer.from(source, "latin1"));

describe("HttpMessage", () => {
  it("reads head and body of raw bytes, and gives the same bytes back", () => {
    const source = "POST /a HTTP/1.1\r\nHost: x\r\nx-A: 1\r\nContent-Length: 5\r\n\r\nhello";
    const message = raw(source);
    expect(message.head).toMatchObject({
      method: "POST",
      target: "/a",
      headers: ["Host", "x", "x-A", "1", "Content-Length", "5"],
    });
    expect(text(message.body)).toBe("hello");
    expect(message.bodyComplete).toBe(true);
    expect(text(message.raw)).toBe(source);
  });

  it("removes transfer coding from the body and keeps its trailers", () => {
    const message = raw(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 5\r\n\r\n",
    );
    expect(message.status).toBe(200);
    expect(text(message.body)).toBe("abcde");
    expect(message.trailers).toEqual(["X-Sum", "5"]);
  });

  it.each([
    ["a body shorter than its length", "PUT / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc"],
    [
      "chunks without their end",
      "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ],
  ])("marks %s as incomplete", (_name, source) => {
    const message = raw(source);
    expect(text(message.body)).toBe("abc");
    expect(message.bodyComplete).toBe(false);
  });

  it.each([
    ["POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nlonger body", 6],
    ["POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", 0],
    // gor's TCP input leaves one line feed behind each message.
    ["POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello\n", 0],
    ["POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhel", 0],
    ["HTTP/1.1 200 OK\r\n\r\nas long as it is", 0],
  ])("of %j has so many bytes behind its end: %d", (source, surplus) => {
    const message = raw(source);
    expect(message.surplusBytes).toBe(surplus);
    const { head } = message;
    if (head !== undefined) expect(message.withHead(head).surplusBytes).toBe(surplus);
  });

  it("serialises parts and reads them back, whatever the body", () => {
    const name = fc
      .stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,10}$/)
      .filter((n) => !/^(content-length|transfer-encoding)$/i.test(n));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(name, fc.stringMatching(/^[!-~]{0,20}$/)), { maxLength: 6 }),
        fc.uint8Array({ maxLength: 500 }),
        (fields, body) => {
          const headers = [...fields.flat(), "Content-Length", String(body.length)];
          const made = HttpMessage.fromParts(
            { method: "PUT", target: "/x", version: "HTTP/1.1", headers },
            body,
          );
          const read = HttpMessage.fromRaw(made.raw);
          expect(read.head).toEqual(made.head);
          expect(text(read.body)).toBe(text(body));
          expect(made.byteLength).toBe(made.raw.length);
          expect(text(Buffer.concat(made.rawPieces()))).toBe(text(made.raw));
        },
      ),
    );
  });

  it("sees no body in an empty line behind a request without a length", () => {
    const bodyOf = (raw: string): string => text(HttpMessage.fromRaw(Buffer.from(raw)).body);
    const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for (const rest of ["", "\n", "\r\n"]) expect(bodyOf(`${request}${rest}`)).toBe("");
    for (const rest of ["\r", "\n\n", "a", "a\n"]) expect(bodyOf(`${request}${rest}`)).toBe(rest);
    expect(bodyOf("POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\n\n")).toBe("\n");
    expect(bodyOf("HTTP/1.1 200 OK\r\n\r\n\n")).toBe("\n");
  });

  it("finds the end of a head only when it is there", () => {
    expect(headEnd(Buffer.from("GET / HTTP/1.1\r\nA: b\r\n\r\nrest"))).toBe(24);
    // Without one, everything is head.
    expect(headEnd(Buffer.from("GET / HTTP/1.1\r\nA: b\r\n"))).toBe(22);
  });

  it("reads framing fields whatever their case", () => {
    const head = (...headers: string[]): RequestHead => ({
      method: "PUT",
      target: "/",
      version: "HTTP/1.1",
      headers,
    });
    expect(contentLength(head("content-LENGTH", "12"))).toBe(12);
    expect(isChunked(head("transfer-encoding", "gzip, Chunked"))).toBe(true);
    expect(isChunked(head("Transfer-Encoding", "gzip"))).toBe(false);
  });
});
