// What load balancers put before the first request, in the binary version, and what only looks like it; cut in two anywhere.
import { describe, expect, it } from "vitest";
import { byteByByte, bytesOf, digest, feed, proxyHeader } from "../../../../test/stream-kit.ts";
import type { FeedOptions, Parsed } from "../../../../test/stream-kit.ts";
import { PROXY_HEADER_BYTES_MAX } from "./proxy-header.ts";

const FIRST = "POST /first HTTP/1.1\r\nContent-Length: 2\r\n\r\nok";
const NEXT = "GET /next HTTP/1.1\r\nHost: x\r\n\r\n";
const SIGNATURE = "\r\n\r\n\0\r\nQUIT\n";

/** Texts, doubts and counts; the same for every split. */
function read(text: string | Uint8Array, options: FeedOptions = {}): [string[], string[], object] {
  const bytes = typeof text === "string" ? bytesOf(text) : text;
  const whole = feed([bytes], options);
  const expected = digest(whole);
  expect(digest(feed(byteByByte(bytes), options))).toEqual(expected);
  const step = Math.max(1, Math.floor(bytes.length / 300));
  for (let cut = 1; cut < bytes.length; cut += step) {
    const pieces = [bytes.subarray(0, cut), bytes.subarray(cut)];
    expect(digest(feed(pieces, options))).toEqual(expected);
  }
  const { pushedBytes, messageBytes, incompleteBytes, skippedBytes } = whole.tally;
  expect(pushedBytes).toBe(bytes.length);
  expect(messageBytes + incompleteBytes + skippedBytes).toBe(pushedBytes);
  return said(whole);
}

function said({ messages, tally }: Parsed): [string[], string[], object] {
  return [
    messages.map(({ raw }) => Buffer.from(raw).toString("latin1")),
    messages.map(({ ambiguity }) => ambiguity),
    Object.fromEntries(tally.skippedBytesBy),
  ];
}

const both = (header: Uint8Array): Buffer => Buffer.concat([header, bytesOf(FIRST + NEXT)]);

describe("a binary header of the PROXY protocol", () => {
  it.each([
    ["of a client", proxyHeader()],
    ["of the load balancer itself", proxyHeader(0, 0x20)],
    ["of the load balancer itself, with something to pass over", proxyHeader(7, 0x20)],
    ["with extensions that look like requests", proxyHeader(300)],
    ["as long as it can be", proxyHeader(PROXY_HEADER_BYTES_MAX - proxyHeader().length)],
    ["and another, of the load balancer before", Buffer.concat([proxyHeader(), proxyHeader(9)])],
    ["and a line", Buffer.concat([proxyHeader(), bytesOf("PROXY UNKNOWN\r\n")])],
  ])("%s costs nothing", (_name, header) => {
    const skipped = { "proxy-protocol": header.length };
    expect(read(both(header))).toEqual([[FIRST, NEXT], ["", ""], skipped]);
    expect(feed([both(header)]).messages[0]?.streamOffset).toBe(header.length);
    expect(feed([both(header)]).lostSync).toBe(0);
    // A health check says no more.
    expect(read(header)).toEqual([[], [], skipped]);
  });

  it("leaves empty lines, and times, to the request behind it", () => {
    expect(read(Buffer.concat([proxyHeader(), bytesOf(`\r\n\r\n${NEXT}`)]))).toEqual([
      [NEXT],
      [""],
      { "proxy-protocol": 28, "blank-lines": 4 },
    ]);
    const { messages } = feed([proxyHeader(), bytesOf(NEXT)]);
    expect(messages[0]).toMatchObject({ startSeconds: 2, endSeconds: 2 });
  });

  it("that breaks off is counted, whatever there is of it", () => {
    const header = proxyHeader(20);
    for (let length = 1; length < header.length; length += 1) {
      for (const end of ["fin", "rst"] as const) {
        const [texts, , skipped] = read(header.subarray(0, length), { end });
        expect(texts).toEqual([]);
        if (length > 12) expect(skipped).toEqual({ "proxy-protocol": length });
        else expect(skipped).toMatchObject({ "blank-lines": Math.min(length, 4) });
      }
    }
  });

  it("that is not whole yet is pending, until it is known to be one", () => {
    const header = proxyHeader();
    for (let length = 1; length <= header.length; length += 1) {
      const { pendingBytes, tally } = feed([header.subarray(0, length)], { end: "open" });
      expect(tally.pushedBytes).toBe(length);
      expect(pendingBytes).toBe(length > 12 ? 0 : length);
      expect(tally.skippedBytes).toBe(length - pendingBytes);
    }
  });

  it("with a hole in what is of known length is passed over", () => {
    const header = proxyHeader(100);
    for (const hole of [1, 50, 99]) {
      const rest = bytesOf(
        both(header)
          .subarray(29 + hole)
          .toString("latin1"),
      );
      const parsed = feed([header.subarray(0, 29), hole, rest]);
      expect(said(parsed)[0]).toEqual([FIRST, NEXT]);
      expect(parsed.lostSync).toBe(0);
      expect(parsed.messages[0]?.streamOffset).toBe(header.length);
    }
  });

  it.each([4, 10, 14, 28])("with another hole, behind byte %i, is resynchronised", (length) => {
    const parsed = feed([proxyHeader(2).subarray(0, length), 20, bytesOf(NEXT)]);
    expect(said(parsed)[0]).toEqual([NEXT]);
    expect(parsed.lostSync).toBeGreaterThan(0);
  });

  it("is looked for at the beginning of a connection only", () => {
    const [texts, doubts] = read(Buffer.concat([bytesOf(FIRST), proxyHeader(), bytesOf(NEXT)]));
    expect(texts[0]).toBe(FIRST);
    expect(doubts.slice(1).every((doubt) => doubt === "after-fault")).toBe(true);
    expect(feed([proxyHeader()], { midstream: true }).tally.skippedBytesBy.get("mid-stream")).toBe(28); // prettier-ignore
  });
});

describe("what looks like one", () => {
  it.each(["\r", "\n", "\r\n", "\r\n\r", "\r\n\r\n", "\r\n\r\n\r\n\r\n", "\n\r\n\n"])(
    "%j is empty lines before a request",
    (lines) => {
      const skipped = { "blank-lines": lines.length };
      expect(read(lines + FIRST + NEXT)).toEqual([[FIRST, NEXT], ["", ""], skipped]);
      expect(read(lines)).toEqual([[], [], skipped]);
    },
  );

  it.each([
    ["a signature that is none", `${SIGNATURE.slice(0, 11)}\r`],
    ["version 1 in it", `${SIGNATURE}\x11`],
    ["a command that nobody knows", `${SIGNATURE}\x22\x11\0\0`],
  ])("%s is not HTTP", (_name, text) => {
    const [texts, doubts, skipped] = read(`${text}\r\n${NEXT}`);
    expect(texts).toEqual([NEXT]);
    expect(doubts).toEqual(["after-fault"]);
    expect(skipped).toEqual({ "blank-lines": 4, "not-http": text.length - 2 });
  });

  it("a request that begins within has the time of its packet", () => {
    const parsed = feed([bytesOf(SIGNATURE.slice(0, 11)), bytesOf(` / HTTP/1.1\r\n\r\n`)]);
    expect(parsed.messages[0]?.startSeconds).toBe(2);
  });
});
