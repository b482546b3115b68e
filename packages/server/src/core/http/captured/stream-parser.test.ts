// Every way in which HTTP/1 messages are framed, broken, or not HTTP at all; whole, byte by byte and cut in two anywhere.
import { HttpMessage } from "@mirrorball/protocol";
import { describe, expect, it } from "vitest";
import { byteByByte, bytesOf, digest, feed } from "../../../../test/stream-kit.ts";
import type { FeedOptions, Parsed } from "../../../../test/stream-kit.ts";
import { MethodKind } from "../head/head-scan.ts";
import { StreamTally } from "./stream-limits.ts";
import { StreamParser } from "./stream-parser.ts";

/** Parses `text` in one piece, and checks that no split makes a difference. */
function parse(text: string, options: FeedOptions = {}): Parsed {
  const bytes = bytesOf(text);
  const whole = feed([bytes], options);
  const expected = digest(whole);
  expect(digest(feed(byteByByte(bytes), options))).toEqual(expected);
  const step = Math.max(1, Math.floor(bytes.length / 300));
  for (let cut = 1; cut < bytes.length; cut += step) {
    expect(digest(feed([bytes.subarray(0, cut), bytes.subarray(cut)], options))).toEqual(expected);
  }
  conserved(whole);
  return whole;
}

function conserved({ tally, pendingBytes }: Parsed): void {
  const { pushedBytes, messageBytes, incompleteBytes, skippedBytes } = tally;
  const open = tally.heldBytes === 0 ? 0 : pendingBytes;
  expect(messageBytes + incompleteBytes + skippedBytes + open).toBe(pushedBytes);
}

const texts = ({ messages }: Parsed): string[] =>
  messages.map(({ raw }) => Buffer.from(raw).toString("latin1"));
const doubts = ({ messages }: Parsed): string[] => messages.map(({ ambiguity }) => ambiguity);
const bodies = ({ messages }: Parsed): string[] =>
  messages.map(({ raw }) => Buffer.from(HttpMessage.fromRaw(raw).body).toString("latin1"));
const skipped = ({ tally }: Parsed): Record<string, number> =>
  Object.fromEntries(tally.skippedBytesBy);

const NEXT = "GET /next HTTP/1.1\r\nHost: x\r\n\r\n";
const head = (...fields: string[]): string => ["POST /a HTTP/1.1", ...fields, "", ""].join("\r\n");
const answer = (...fields: string[]): string => ["HTTP/1.1 200 OK", ...fields, "", ""].join("\r\n");

describe("requests that are framed as they should be", () => {
  it.each([
    ["nothing", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"],
    ["no field at all", "GET / HTTP/1.0\r\n\r\n"],
    ["a length", `${head("Content-Length: 5")}hello`],
    ["a length of zero", head("Content-Length: 0")],
    ["a length with leading zeros and blanks", `${head("Content-Length: \t 0005 ")}hello`],
    ["a length in odd case", `${head("cOnTeNt-LeNgTh:5")}hello`],
    ["chunks", `${head("Transfer-Encoding: chunked")}5\r\nhello\r\n3;a=b\r\nabc\r\n0\r\n\r\n`],
    [
      "chunks in odd case, with a quoted extension and long zeros",
      `${head("transfer-encoding: Chunked")}0000A;x="a b;c"\r\n0123456789\r\n000\r\n\r\n`,
    ],
    ["chunks over a coding", `${head("Transfer-Encoding: gzip, chunked")}2\r\nhi\r\n0\r\n\r\n`],
    [
      "chunks over a coding, in two fields",
      `${head("Transfer-Encoding: gzip", "Transfer-Encoding: chunked")}2\r\nhi\r\n0\r\n\r\n`,
    ],
    ["trailers", `${head("Transfer-Encoding: chunked")}2\r\nhi\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\n`],
    ["a body that looks like a request", `${head(`Content-Length: ${NEXT.length}`)}${NEXT}`],
    ["any method", "PURGE!#$%&'*+-.^_`|~x /a HTTP/1.1\r\n\r\n"],
    ["a lower-case method", "get /a HTTP/1.1\r\n\r\n"],
    ["an absolute target", "GET http://a.test/b?c HTTP/1.1\r\nHost: a.test\r\n\r\n"],
    ["a target of bytes above 127", "GET /caf\xe9 HTTP/1.1\r\n\r\n"],
    ["the asterisk", "OPTIONS * HTTP/1.1\r\n\r\n"],
    ["an authority", "CONNECT a.test:443 HTTP/1.1\r\n\r\n"],
    ["a long target", `GET /${"a".repeat(40_000)} HTTP/1.1\r\n\r\n`],
    ["a folded field", "GET / HTTP/1.1\r\nX-A: b\r\n  c\r\n\r\n"],
    ["bare LF", "GET / HTTP/1.1\nHost: x\nContent-Length: 0\n\n"],
    ["Expect", `${head("Expect: 100-continue", "Content-Length: 2")}ok`],
    ["Upgrade", "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"],
  ])("%s", (_name, text) => {
    expect(texts(parse(text))).toEqual([text]);
    const both = parse(text + NEXT);
    expect(texts(both)).toEqual([text, NEXT]);
    expect(doubts(both)).toEqual(["", ""]);
    expect(both.messages.some(({ incomplete, truncated }) => incomplete || truncated)).toBe(false);
    expect(both.tally.messageBytes).toBe(text.length + NEXT.length);
  });

  it("skips empty lines before a message", () => {
    const parsed = parse(`\r\n\r\n\n${NEXT}\r\n${NEXT}`);
    expect(texts(parsed)).toEqual([NEXT, NEXT]);
    expect(skipped(parsed)).toEqual({ "blank-lines": 7 });
  });

  it("keeps trailers apart from fields", () => {
    const text = `${head("Transfer-Encoding: chunked")}2\r\nhi\r\n0\r\nContent-Length: 9\r\n\r\n`;
    const parsed = parse(text + NEXT);
    expect(texts(parsed)).toEqual([text, NEXT]);
    expect(bodies(parsed)).toEqual(["hi", ""]);
    expect(HttpMessage.fromRaw(parsed.messages[0]?.raw ?? bytesOf("")).trailers).toEqual([
      "Content-Length",
      "9",
    ]);
  });

  it("tells times of the first and the last byte", () => {
    const { messages } = feed([
      bytesOf("\r\n"),
      bytesOf("POST / HT"),
      bytesOf("TP/1.1\r\nContent-Length: 3\r\n\r\n"),
      bytesOf("a"),
      bytesOf(`bc${NEXT}`),
    ]);
    expect(messages[0]).toMatchObject({ startSeconds: 2, endSeconds: 5, latencyNs: 3e9 });
    expect(messages[1]).toMatchObject({ startSeconds: 5, latencyNs: 0 });
  });

  it("knows the mark of a replay, not what looks like one", () => {
    const of = (...lines: string[]): boolean =>
      parse(["GET / HTTP/1.1", ...lines, "", ""].join("\r\n")).messages[0]?.isReplay ?? false;
    expect(of("x-mirrorball-REPLAY: 1")).toBe(true);
    expect(of("X-Mirrorball-Replay-Not: 1")).toBe(false);
    expect(of("X-A: X-Mirrorball-Replay: 1")).toBe(false);
  });
});

describe("requests that can be framed in two ways", () => {
  const chunk = "5\r\nhello\r\n0\r\n\r\n";
  // What is framed all the same: the message and the one behind it.
  it.each([
    ["length-and-coding", `${head("Content-Length: 6", "Transfer-Encoding: chunked")}${chunk}`],
    ["length-and-coding", `${head("Transfer-Encoding: chunked", "Content-Length: 6")}${chunk}`],
    ["coding-in-1.0", `POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`],
    ["content-length-twice", `${head("Content-Length: 5", "Content-Length: 5")}hello`],
    ["content-length-twice", `${head("Content-Length: 5, 5")}hello`],
    ["space-before-colon", `${head("X-A : b", "Content-Length: 5")}hello`],
    ["space-before-fields", `${head(" X-A: b", "Content-Length: 5")}hello`],
    ["empty-name", `${head(": b", "Content-Length: 5")}hello`],
    ["no-colon", `${head("what", "Content-Length: 5")}hello`],
    ["field-name", `${head("X A: b", "Content-Length: 5")}hello`],
    ["field-name", `${head("X\x00A: b", "Content-Length: 5")}hello`],
    ["field-name", `${head("\x0bX: b", "Content-Length: 5")}hello`],
    ["control-byte", `${head("X-A: b\x00c", "Content-Length: 5")}hello`],
    ["bare-cr", `${head("X-A: b\rContent-Length: 9", "Content-Length: 5")}hello`],
    ["field-name", "GET / HTTP/1.1\r\nHost: x\r\n\rX: y\r\n\r\n"],
    ["request-line", "GET /a b HTTP/1.1\r\n\r\n"],
    ["request-line", "GET /a\tb HTTP/1.1\r\n\r\n"],
    ["request-line", "GET  /a HTTP/1.1\r\n\r\n"],
    ["request-line", "GET /a  HTTP/1.1\r\n\r\n"],
    ["request-line", "GET\t/a\tHTTP/1.1\r\n\r\n"],
    ["request-line", "GET /a HTTP/1.1 \r\n\r\n"],
    ["request-line", "GET /a HTTP/1.1\t\r\n\r\n"],
    ["request-line", "GET /a HTTP/1.0.8\r\n\r\n"],
    ["request-line", "GET /a HTTP/1.10\r\n\r\n"],
    ["request-line", "GET /a HTTP/1.\r\n\r\n"],
    ["request-line", "GET /a HTTP/1\r\n\r\n"],
    ["request-line", "POST /a HTTP/1.1 \nContent-Length: 3\n\nabc"],
    ["version", "GET / HTTP/2.0\r\n\r\n"],
    ["chunk-bare-lf", `${head("Transfer-Encoding: chunked")}5\nhello\r\n0\r\n\r\n`],
    ["chunk-bare-lf", `${head("Transfer-Encoding: chunked")}5\r\nhello\n0\r\n\r\n`],
    ["chunk-size-blank", `${head("Transfer-Encoding: chunked")}5 \r\nhello\r\n0\r\n\r\n`],
    ["chunk-extension", `${head("Transfer-Encoding: chunked")}5;a\x00\r\nhello\r\n0\r\n\r\n`],
    ["trailer", `${head("Transfer-Encoding: chunked")}0\r\nwhat\r\n\r\n`],
    ["trailer", `${head("Transfer-Encoding: chunked")}0\r\nX: a\rb\r\n\r\n`],
    ["trailer", `${head("Transfer-Encoding: chunked")}0\r\n X: a\r\n\r\n`],
  ])("%s: %j", (reason, text) => {
    const parsed = parse(text + NEXT);
    expect(texts(parsed)).toEqual([text, NEXT]);
    expect(doubts(parsed)).toEqual([reason, ""]);
    expect(Object.fromEntries(parsed.tally.ambiguousBy)).toEqual({ [reason]: 1 });
  });

  // Nobody knows where these end: what is found behind them is flagged too.
  it.each([
    ["content-length-twice", head("Content-Length: 5", "Content-Length: 6")],
    ["content-length-invalid", head("Content-Length: +5")],
    ["content-length-invalid", head("Content-Length: -5")],
    ["content-length-invalid", head("Content-Length: 0x5")],
    ["content-length-invalid", head("Content-Length: 5_0")],
    ["content-length-invalid", head("Content-Length: 5 0")],
    ["content-length-invalid", head("Content-Length: 5.0")],
    ["content-length-invalid", head("Content-Length:")],
    ["content-length-invalid", head("Content-Length: 9007199254740993")],
    ["content-length-invalid", head(`Content-Length: ${"9".repeat(40)}`)],
    ["control-byte", head("Content-Length: 5\x0b")],
    ["content-length-twice", head("Content-Length: 5,")],
    ["folded-framing", head("Content-Length: 5", " 0")],
    ["folded-framing", head("Transfer-Encoding: chunked", " x")],
    ["transfer-encoding", head("Transfer-Encoding:", "\tchunked")],
    ["transfer-encoding", head("Transfer-Encoding: gzip")],
    ["transfer-encoding", head("Transfer-Encoding: identity")],
    ["transfer-encoding", head("Transfer-Encoding: chunked, gzip")],
    ["transfer-encoding", head("Transfer-Encoding: chunked, chunked")],
    ["transfer-encoding", head("Transfer-Encoding: chunked", "Transfer-Encoding: chunked")],
    ["transfer-encoding", head("Transfer-Encoding: chunked;a=b")],
    ["transfer-encoding", head("Transfer-Encoding: xchunked")],
    ["transfer-encoding", head("Transfer-Encoding: ")],
    ["control-byte", head("Transfer-Encoding: \x0bchunked")],
    ["transfer-encoding", head("Transfer-Encoding: \xa0chunked")],
  ])("%s: %j", (reason, text) => {
    const parsed = parse(`${text}hello\r\n${NEXT}`);
    expect(texts(parsed)).toEqual([text, NEXT]);
    expect(doubts(parsed)).toEqual([reason, "after-fault"]);
    expect(skipped(parsed)).toEqual({ "after-fault": 7 });
  });

  it.each([
    ["chunk-size", "x\r\nhello\r\n", 0],
    ["chunk-size", "\r\n", 0],
    ["chunk-size", "-5\r\nhello\r\n", 0],
    ["chunk-size", "5 5\r\nhello\r\n", 2],
    ["chunk-size", "0x5\r\nhello\r\n", 1],
    ["chunk-size-digits", `${"0".repeat(20)}5\r\nhello\r\n`, 16],
    ["chunk-size-digits", `${"f".repeat(20)}\r\nhello\r\n`, 13],
    ["chunk-size-overflow", "ffffffffffffff\r\nhello\r\n", 13],
    ["chunk-bare-cr", "5\rhello\r\n", 2],
    ["chunk-data", "5\r\nhelloworld\r\n", 8],
    ["chunk-data", "5\r\nhello\rworld\r\n", 9],
    ["trailer", "0\r\n\rX", 4],
  ])("%s: %j", (reason, body, kept) => {
    const start = head("Transfer-Encoding: chunked");
    const parsed = parse(`${start}${body}\r\n${NEXT}`);
    const expected =
      reason === "chunk-size-digits" && body.startsWith("f") ? "chunk-size-overflow" : reason;
    expect(doubts(parsed)).toEqual([expected, "after-fault"]);
    expect(texts(parsed)).toEqual([start + body.slice(0, kept), NEXT]);
    // Recorded and marked, as everything else whose end is in doubt.
    expect(parsed.messages[0]?.incomplete).toBe(false);
  });

  it("takes a request right behind a head that told no end for the next one, and marks it", () => {
    const parsed = parse(`${head("Content-Length: ")}${NEXT}${NEXT}`);
    expect(texts(parsed)).toEqual([head("Content-Length: "), NEXT, NEXT]);
    expect(doubts(parsed)).toEqual(["content-length-invalid", "after-fault", "after-fault"]);
    expect(skipped(parsed)).toEqual({});
  });

  it("is not fooled by a request in the body of a request without an end", () => {
    const parsed = parse(
      `${head("Content-Length: +40")}x=1\r\nGET /admin HTTP/1.1\r\nHost: x\r\n\r\n`,
    );
    expect(doubts(parsed)).toEqual(["content-length-invalid", "after-fault"]);
  });
});

describe("bounds", () => {
  const limits = { headBytesMax: 200, headerFieldsMax: 3, bodyBytesMax: 10, chunkExtensionBytesMax: 8, trailerBytesMax: 12 }; // prettier-ignore

  it("a head that is too long is cut off, flagged, and the next one found", () => {
    const long = `GET / HTTP/1.1\r\nX: ${"a".repeat(400)}\r\n\r\n`;
    const parsed = parse(long + NEXT, { limits });
    expect(texts(parsed)).toEqual([long.slice(0, 200), NEXT]);
    expect(parsed.messages[0]).toMatchObject({ truncated: true, incomplete: true, ambiguity: "head-bytes" }); // prettier-ignore
    expect(doubts(parsed)[1]).toBe("after-fault");
  });

  it("a head just long enough is whole", () => {
    const start = "GET / HTTP/1.1\r\nX: ";
    const text = `${start}${"a".repeat(200 - start.length - 4)}\r\n\r\n`;
    expect(texts(parse(text + NEXT, { limits }))).toEqual([text, NEXT]);
  });

  it("a start line without an end is no message", () => {
    const parsed = parse(`GET /${"a".repeat(500)}`, { limits });
    expect(texts(parsed)).toEqual([]);
    expect(parsed.tally.skippedBytes).toBe(505);
  });

  it("too many fields are a doubt", () => {
    const text = "GET / HTTP/1.1\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\n\r\n";
    expect(doubts(parse(text + NEXT, { limits }))).toEqual(["too-many-fields", ""]);
  });

  it("a body that is too long is cut off, read to its end, and flagged", () => {
    const start = head("Content-Length: 15");
    const parsed = parse(`${start}0123456789abcde${NEXT}`, { limits });
    expect(texts(parsed)).toEqual([`${start}0123456789`, NEXT]);
    expect(parsed.messages.map(({ truncated }) => truncated)).toEqual([true, false]);
    expect(parsed.tally.truncated).toBe(1);
    expect(parsed.tally.messageBytes).toBe(start.length + 15 + NEXT.length);
  });

  it("extensions and trailers are bounded", () => {
    const start = head("Transfer-Encoding: chunked");
    const extension = parse(`${start}2;abc\r\nhi\r\n2;abcdef\r\nhi\r\n0\r\n\r\n`, { limits });
    expect(doubts(extension)[0]).toBe("chunk-extension-bytes");
    const trailer = parse(`${start}0\r\nA: 12345\r\nB: 12345\r\n\r\n`, { limits });
    expect(doubts(trailer)[0]).toBe("trailer-bytes");
  });

  it("all unfinished messages together are bounded", () => {
    const parsed = feed([bytesOf(head("Content-Length: 50")), bytesOf("a".repeat(50))], {
      heldBytesMax: 60,
    });
    expect(parsed.messages[0]).toMatchObject({ truncated: true, incomplete: false });
    expect(parsed.tally.heldBytes).toBe(0);
  });

  it("unfinished heads too, and nothing of them is kept back", () => {
    const tally = new StreamTally(1000);
    const events = {
      head: () => 0 as const,
      done: () => {},
      lostSync: () => {},
      foreign: () => {},
    };
    const parsers = Array.from(
      { length: 100 },
      () => new StreamParser("request", false, events, tally),
    );
    const bytes = bytesOf(`GET / HTTP/1.1\r\nX: ${"a".repeat(100)}`);
    for (const parser of parsers) parser.push(bytes, 0, bytes.length, 1, 0);
    expect(tally.heldBytes).toBeGreaterThan(1000);
    expect(tally.heldBytes).toBeLessThan(1500);
    for (const parser of parsers) parser.end(false);
    expect(tally.heldBytes).toBe(0);
  });

  it("what is not whole and not wanted is not put together", () => {
    const text = `${head("Content-Length: 50")}${"a".repeat(20)}`;
    const all = [feed([bytesOf(text)]), feed([bytesOf(text), 10])];
    expect(all.map(({ messages }) => messages[0]?.raw.length)).toEqual([text.length, text.length]);
    const unwanted = [
      feed([bytesOf(text)], { keepsIncomplete: false }),
      feed([bytesOf(text), 10], { keepsIncomplete: false, end: "open" }),
    ];
    expect(unwanted.map(({ messages }) => messages[0]?.raw.length)).toEqual([0, undefined]);
    for (const { tally } of unwanted) expect(tally.heldBytes).toBe(0);
    expect(unwanted[0]?.tally.incompleteBytes).toBe(text.length);
  });

  it("a header of a megabyte", () => {
    const text = `GET / HTTP/1.1\r\nX: ${"a".repeat(1024 * 1024)}\r\n\r\n${NEXT}`;
    const parsed = feed([bytesOf(text)]);
    expect(digest(feed(byteByByte(bytesOf(text))))).toEqual(digest(parsed));
    expect(doubts(parsed)).toEqual(["head-bytes", "after-fault"]);
    conserved(parsed);
  });
});

describe("responses", () => {
  const responses = (text: string, options: FeedOptions = {}): Parsed =>
    parse(text, { side: "response", ...options });
  const LAST = "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno";

  it.each([
    ["a length", `${answer("Content-Length: 5")}hello`],
    ["chunks", `${answer("Transfer-Encoding: chunked")}5\r\nhello\r\n0\r\n\r\n`],
    ["a status of our own and no reason", "HTTP/1.1 799\r\nContent-Length: 0\r\n\r\n"],
    ["an empty reason", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"],
    ["204 with a length", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n"],
    ["304 with a length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"],
    ["304 with a coding", "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n"],
  ])("%s", (_name, text) => {
    const parsed = responses(text + LAST);
    expect(texts(parsed)).toEqual([text, LAST]);
    expect(doubts(parsed)).toEqual(["", ""]);
  });

  it("to HEAD have no body", () => {
    const text = answer("Content-Length: 5");
    expect(texts(responses(text + LAST, { methods: [MethodKind.head] }))).toEqual([text, LAST]);
  });

  it("that are interim answer nothing", () => {
    const interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n";
    const text = answer("Content-Length: 5");
    const parsed = responses(interim + text + LAST, { methods: [MethodKind.head] });
    expect(parsed.messages.map(({ status, isInterim }) => [status, isInterim])).toEqual([
      [100, true],
      [103, true],
      [200, false],
      [404, false],
    ]);
  });

  it.each([
    ["no framing", answer("X: y"), ""],
    ["HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\n", ""],
    ["a coding that is not chunked", answer("Transfer-Encoding: gzip"), "transfer-encoding"],
    ["chunked twice", answer("Transfer-Encoding: chunked, chunked"), "transfer-encoding"],
    ["a length that is none", answer("Content-Length: +5"), "content-length-invalid"],
    ["two lengths", answer("Content-Length: 5", "Content-Length: 6"), "content-length-twice"],
  ])("go on until the connection is closed: %s", (_name, text, doubt) => {
    const parsed = responses(`${text}${LAST}`);
    expect(texts(parsed)).toEqual([text + LAST]);
    expect(parsed.messages[0]).toMatchObject({ incomplete: false, ambiguity: doubt });
    expect(responses(text + LAST, { end: "rst" }).messages[0]?.incomplete).toBe(true);
  });

  it.each([
    "HTTP/1.1  200 OK\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1\t200\tOK\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1 200\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.10 200 OK\nContent-Length: 2\n\nok",
    "HTTP/1.0.8 200 OK\r\nContent-Length: 2\r\n\r\nok",
  ])("in another form are kept and marked: %j", (text) => {
    const parsed = responses(text + LAST);
    expect(texts(parsed)).toEqual([text, LAST]);
    expect(doubts(parsed)).toEqual(["status-line", ""]);
    expect(parsed.messages[0]?.status).toBe(200);
  });

  it.each(["HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 200OK\r\n\r\n"])(
    "without a status of three digits are none: %j",
    (text) => {
      expect(texts(responses(text))).toEqual([]);
    },
  );

  it("switch to another protocol with 101", () => {
    const text = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\n\r\n";
    const parsed = responses(`${text}\x81\x05helloHTTP/1.1 200 OK\r\n\r\n`);
    expect(texts(parsed)).toEqual([text]);
    expect(parsed.foreign).toBe("unsupported:websocket");
    expect(skipped(parsed)).toEqual({ "unsupported:websocket": 26 });
  });

  it("open a tunnel when they grant CONNECT, and only then", () => {
    const granted = responses(`${answer("Content-Length: 5")}\x16\x03\x01`, {
      methods: [MethodKind.connect],
    });
    expect(granted.foreign).toBe("unsupported:connect");
    expect(skipped(granted)).toEqual({ "unsupported:connect": 3 });
    const refused = responses(LAST + LAST, { methods: [MethodKind.connect] });
    expect(refused.foreign).toBe("");
    expect(refused.messages).toHaveLength(2);
  });

  it("split into two by an injected line are two, as for any reader", () => {
    const text = `${answer("Content-Length: 0")}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`;
    expect(responses(text).messages).toHaveLength(2);
  });
});

describe("what ends too early", () => {
  it.each([
    ["in a body with a length", `${head("Content-Length: 5")}he`],
    ["in a chunk", `${head("Transfer-Encoding: chunked")}5\r\nhe`],
    ["before the last chunk", `${head("Transfer-Encoding: chunked")}2\r\nhe\r\n`],
    ["in the head", "GET / HTTP/1.1\r\nHost: x\r\n"],
  ])("%s is flagged", (_name, text) => {
    for (const end of ["fin", "rst"] as const) {
      const parsed = parse(NEXT + text, { end });
      expect(texts(parsed)).toEqual([NEXT, text]);
      expect(parsed.messages.map(({ incomplete }) => incomplete)).toEqual([false, true]);
      expect(parsed.tally.incompleteBytes).toBe(text.length);
    }
  });

  it("in a start line is no message", () => {
    const parsed = parse(`${NEXT}GET /half HTT`);
    expect(texts(parsed)).toEqual([NEXT]);
    expect(skipped(parsed)).toEqual({ "broken-start": 13 });
  });

  it("after its end nothing is read", () => {
    const parsed = parse(NEXT, { end: "open" });
    expect(parsed.pendingBytes).toBe(0);
  });
});

describe("what is not HTTP/1", () => {
  it.each([
    ["unsupported:tls", "\x16\x03\x01\x02\x00\x01\x00GET / HTTP/1.1\r\n\r\n"],
    [
      "unsupported:http2",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x12\x04\x00GET / HTTP/1.1\r\n\r\n",
    ],
    ["not-http", "\x00\x01\x02\xff\xfe\x00 some\x00thing"],
    ["not-http", "EHLO mail.test\r\nMAIL FROM:<a@b>\r\n"],
    ["not-http", "*1\r\n$4\r\nPING\r\n"],
    ["not-http", "GET  /\r\n"],
    ["not-http", "GET / HTTP/x\r\n"],
    ["unsupported:http0.9", "GET /\r\n"],
    ["unsupported:http0.9", "GET /a?b\nHost: x\r\n\r\n"],
    [
      "unsupported:socks",
      "\x05\x01\x00\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50GET / HTTP/1.1\r\n\r\n",
    ],
    ["unsupported:socks", "\x04\x01\x00\x50\x7f\x00\x00\x01me\x00GET / HTTP/1.1\r\n\r\n"],
    ["not-http", "\x05\x00\x0b\x03\x10\x00 some rpc"],
    ["not-http", "SSH-2.0-OpenSSH_9\r\n"],
  ])("%s: %j", (reason, text) => {
    const parsed = parse(text);
    expect(texts(parsed)).toEqual([]);
    expect(skipped(parsed)).toEqual({ [reason]: text.length });
    // Behind a line of HTTP/0.9 a server may go on.
    const goesOn = !reason.startsWith("unsupported") || reason === "unsupported:http0.9";
    expect(parsed.foreign).toBe(goesOn ? "" : reason);
  });

  it("a line of a load balancer before the first request costs nothing", () => {
    const line = "PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\r\n";
    const parsed = parse(line + NEXT);
    expect(texts(parsed)).toEqual([NEXT]);
    expect(doubts(parsed)).toEqual([""]);
    expect(skipped(parsed)).toEqual({ "proxy-protocol": line.length });
  });

  it("a request found behind nonsense is not to be trusted", () => {
    const parsed = parse(`nonsense\r\n${NEXT}`);
    expect(doubts(parsed)).toEqual(["after-fault"]);
  });
});

describe("captures that begin in the middle", () => {
  it("take up at the first line that can start a message", () => {
    const parsed = parse(`rest of a body\r\nnot a start line\r\n${NEXT}${NEXT}`, {
      midstream: true,
    });
    expect(texts(parsed)).toEqual([NEXT, NEXT]);
    expect(skipped(parsed)).toEqual({ "mid-stream": 34 });
    expect(doubts(parsed)).toEqual(["", ""]);
  });

  it("lose nothing when they begin with one", () => {
    expect(texts(parse(NEXT, { midstream: true }))).toEqual([NEXT]);
    const response = `${answer("Content-Length: 2")}ok`;
    expect(texts(parse(response, { midstream: true, side: "response" }))).toEqual([response]);
  });

  it("take a segment's beginning for a line's", () => {
    const parsed = feed([bytesOf("rest of a body"), bytesOf(NEXT)], { midstream: true });
    expect(texts(parsed)).toEqual([NEXT]);
  });

  it("know TLS by any of its records", () => {
    const parsed = feed([bytesOf("\x17\x03\x03\x00\x10"), bytesOf(NEXT)], { midstream: true });
    expect(parsed.foreign).toBe("unsupported:tls");
  });
});

describe("holes", () => {
  const first = `${head("Content-Length: 10")}01234`;

  it("inside a body with a length leave the framing alone", () => {
    const parsed = feed([bytesOf(first), 3, bytesOf(`89${NEXT}`)]);
    expect(texts(parsed)).toEqual([first, NEXT]);
    expect(parsed.messages.map(({ incomplete }) => incomplete)).toEqual([true, false]);
    expect(parsed.lostSync).toBe(0);
    expect(parsed.messages[1]?.streamOffset).toBe(first.length + 5);
  });

  it("that end with the body leave the framing alone", () => {
    const parsed = feed([bytesOf(first), 5, bytesOf(NEXT)]);
    expect(parsed.messages.map(({ incomplete }) => incomplete)).toEqual([true, false]);
    expect(parsed.lostSync).toBe(0);
  });

  it("inside a chunk leave the framing alone", () => {
    const start = `${head("Transfer-Encoding: chunked")}a\r\n01234`;
    const parsed = feed([bytesOf(start), 5, bytesOf(`\r\n0\r\n\r\n${NEXT}`)]);
    expect(texts(parsed)).toEqual([start, NEXT]);
    expect(parsed.messages.map(({ incomplete }) => incomplete)).toEqual([true, false]);
  });

  it.each([
    ["beyond a body", first, 6],
    ["in a chunk's size", `${head("Transfer-Encoding: chunked")}5`, 6],
    ["in a head", "GET / HTTP/1.1\r\nHos", 6],
  ])("%s: the message is flagged and the next start line found", (_name, text, hole) => {
    const parsed = feed([bytesOf(text), hole, bytesOf(`body\r\n${NEXT}`), bytesOf(NEXT)]);
    expect(texts(parsed)).toEqual([text, NEXT, NEXT]);
    expect(parsed.messages.map(({ incomplete }) => incomplete)).toEqual([true, false, false]);
    expect(skipped(parsed)).toEqual({ resync: 6 });
    expect(parsed.lostSync).toBe(1);
  });

  it("between messages: the next start line is found", () => {
    const parsed = feed([bytesOf(NEXT), 100, bytesOf(NEXT)]);
    expect(texts(parsed)).toEqual([NEXT, NEXT]);
    expect(parsed.lostSync).toBe(1);
  });

  it("in a body until the close never join what lies around them", () => {
    const text = answer("X: y");
    const parsed = feed([bytesOf(`${text}abc`), 4, bytesOf("hij")], { side: "response" });
    expect(texts(parsed)).toEqual([`${text}abc`]);
    expect(parsed.messages[0]?.incomplete).toBe(true);
  });
});
