// The answer parser: whole, byte by byte, in every split; what is behind an answer; what is refused.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CUT_SHORT, RESPONSE_HEAD_BYTES_MAX, ResponseParser } from "./response-parser.ts";

interface Result {
  readonly status: number;
  readonly body: string;
  readonly done: boolean;
  readonly reusable: boolean;
  readonly fault: string | undefined;
  readonly head: string;
  readonly trailers: string;
}

/** Pushes `text` (latin1) in pieces that end at `cuts`, then ends the stream if `ends`. */
function parse(
  text: string,
  { cuts = [], ends = false, bodyless = false }: { cuts?: readonly number[]; ends?: boolean; bodyless?: boolean } = {},
): Result {
  const bytes = Buffer.from(text, "latin1");
  const parser = new ResponseParser();
  let body = "";
  parser.onBody = (piece) => (body += Buffer.from(piece).toString("latin1"));
  parser.reset(bodyless, true);
  let at = 0;
  for (const cut of [...cuts, bytes.length]) {
    // A copy in a larger buffer, overwritten afterwards: the parser must not keep what it was given.
    const piece = Buffer.alloc(cut - at + 8, 0x0a);
    bytes.copy(piece, 0, at, cut);
    parser.push(piece, cut - at);
    piece.fill(0x58);
    at = cut;
  }
  if (ends) parser.end();
  const { done, reusable, fault, headText, trailerText } = parser;
  return { status: parser.facts.status, body, done, reusable, fault, head: headText, trailers: trailerText };
} // prettier-ignore

const everyByte = (text: string): number[] => Array.from({ length: text.length }, (_, i) => i);

/** The same in one piece, byte by byte, and in any three pieces. */
function parseEveryWay(text: string, options: { ends?: boolean; bodyless?: boolean } = {}): Result {
  const whole = parse(text, options);
  expect(parse(text, { ...options, cuts: everyByte(text) })).toEqual(whole);
  fc.assert(
    fc.property(fc.nat(text.length), fc.nat(text.length), (a, b) => {
      const cuts = [Math.min(a, b), Math.max(a, b)];
      expect(parse(text, { ...options, cuts })).toEqual(whole);
    }),
    { numRuns: 30 },
  );
  return whole;
}

const OK = "HTTP/1.1 200 OK\r\n";

describe("answers", () => {
  it.each([
    ["a length", `${OK}Content-Length: 5\r\n\r\nhello`, "hello", true],
    ["no content", `${OK}content-length:0\r\n\r\n`, "", true],
    ["204", "HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n", "", true],
    ["304", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "", true],
    ["an unknown status, no reason", "HTTP/1.1 599\r\nContent-Length: 1\r\n\r\nx", "x", true],
    ["chunks", `${OK}Transfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\nA;x="y"\r\n, brave ne\r\n2 \r\nw.\r\n0\r\n\r\n`, "hello, brave new.", true],
    ["bare line feeds", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n1\na\n0\n\n", "a", true],
    ["close", `${OK}Connection: foo, CLOSE\r\nContent-Length: 2\r\n\r\nok`, "ok", false],
    ["HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok", false],
    ["HTTP/1.0, kept", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", "ok", true],
    ["interim ones before it", `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${OK}Content-Length: 2\r\n\r\nok`, "ok", true],
    ["the same length twice", `${OK}Content-Length: 2\r\nContent-Length: 2\r\n\r\nok`, "ok", true],
    ["any field value", `${OK}X: \t\u0080\u00ff"\r\nY:\r\nContent-Length: 2\r\n\r\nok`, "ok", true],
  ])("%s", (_name, text, body, reusable) => {
    expect(parseEveryWay(text)).toMatchObject({ done: true, fault: undefined, body, reusable });
  }); // prettier-ignore

  it("end with the stream when nothing else ends them", () => {
    const text = `${OK}X: y\r\n\r\nall of it`;
    expect(parse(text)).toMatchObject({ done: false, fault: undefined });
    expect(parseEveryWay(text, { ends: true })).toMatchObject({ done: true, body: "all of it", reusable: false });
  }); // prettier-ignore

  it("have no body behind a HEAD request", () => {
    const text = `${OK}Content-Length: 5\r\n\r\n`;
    expect(parseEveryWay(text, { bodyless: true })).toMatchObject({ done: true, reusable: true });
  });

  it("keep their head and trailers as they came", () => {
    const head = "HTTP/1.1 200 Fine\r\nx-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n";
    const result = parseEveryWay(`${head}1\r\na\r\n0\r\nX-Sum: 1\r\nx-sum: 2\r\n\r\n`);
    expect(result).toMatchObject({ head, trailers: "X-Sum: 1\r\nx-sum: 2\r\n\r\n", body: "a" });
  });

  it("with bytes behind them end the connection, and take nothing of those", () => {
    const result = parse(`${OK}Content-Length: 2\r\n\r\nok${OK}`);
    expect(result).toMatchObject({ done: true, body: "ok", reusable: false });
  });

  it("tell how long the connection is kept", () => {
    const parser = new ResponseParser();
    parser.reset(false, false);
    parser.push(Buffer.from(`${OK}Keep-Alive: max=9, timeout=7\r\nContent-Length: 0\r\n\r\n`));
    expect(parser.facts.keepAliveSeconds).toBe(7);
    expect(parser.headText).toBe("");
  });
});

describe("refused", () => {
  it.each([
    ["other protocols, before they have ended a line", "SSH-2.0-OpenSSH"],
    ["lower case", "http/1.1 200 OK\r\n\r\n"],
    ["HTTP/2", "HTTP/2.0 200 OK\r\n\r\n"],
    ["a status that is none", "HTTP/1.1 20x OK\r\n\r\n"],
    ["a short status", "HTTP/1.1 20 OK\r\n\r\n"],
    ["a long status", "HTTP/1.1 2000 OK\r\n\r\n"],
    ["an upgrade", "HTTP/1.1 101 Switching Protocols\r\n\r\n"],
    ["endless interim answers", "HTTP/1.1 100 Continue\r\n\r\n".repeat(17)],
    ["no colon", `${OK}Nonsense\r\n\r\n`],
    ["a blank before the colon", `${OK}Content-Length : 5\r\n\r\n`],
    ["a folded line", `${OK}A: b\r\n c\r\n\r\n`],
    ["a bare carriage return", `${OK}A: b\rc\r\n\r\n`],
    ["a zero byte", `${OK}A: b\0\r\n\r\n`],
    ["two lengths", `${OK}Content-Length: 2\r\nContent-Length: 3\r\n\r\n`],
    ["a list of lengths", `${OK}Content-Length: 2, 2\r\n\r\n`],
    ["a signed length", `${OK}Content-Length: +2\r\n\r\n`],
    ["an empty length", `${OK}Content-Length:\r\n\r\n`],
    ["a length beyond all memory", `${OK}Content-Length: 9999999999999999\r\n\r\n`],
    ["both framings", `${OK}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n`],
    ["an unknown coding", `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n`],
    ["chunked twice", `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`],
    ["chunks in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"],
    ["a chunk without a size", `${OK}Transfer-Encoding: chunked\r\n\r\n\r\n`],
    ["a chunk size that is none", `${OK}Transfer-Encoding: chunked\r\n\r\n5x\r\n`],
    ["a chunk size beyond all memory", `${OK}Transfer-Encoding: chunked\r\n\r\n10000000000000\r\n`],
    ["a chunk longer than it said", `${OK}Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n`],
    ["a carriage return in a chunk line", `${OK}Transfer-Encoding: chunked\r\n\r\n1\rx\n`],
    ["an endless head", `${OK}A: ${"b".repeat(RESPONSE_HEAD_BYTES_MAX)}`],
    ["a head that is too long", `${OK}A: ${"b".repeat(RESPONSE_HEAD_BYTES_MAX)}\r\n\r\n`],
    ["an endless chunk extension", `${OK}Transfer-Encoding: chunked\r\n\r\n1;${"x".repeat(2000)}`],
    ["endless trailers", `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\n${"A: b\r\n".repeat(11_000)}`],
  ])("%s", (_name, text) => {
    const whole = parse(text);
    expect(whole.fault).toBeTypeOf("string");
    expect(parse(text, { cuts: everyByte(text) }).fault).toBeTypeOf("string");
  }); // prettier-ignore

  it("a stream that ends before the answer does", () => {
    for (const text of ["", "HTT", OK, `${OK}Content-Length: 5\r\n\r\nhell`, `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n`])
      expect(parse(text, { ends: true })).toMatchObject({ done: false, fault: CUT_SHORT });
  }); // prettier-ignore

  it("anything, without ever throwing, the same in every split", () => {
    const piece = fc.oneof(
      fc.constantFrom(OK, "HTTP/1.0 304 x\r\n", "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", "Connection: close\r\n", "\r\n", "\n", "3\r\nabc\r\n", "0\r\n", "A: b\r\n"),
      fc.string({ maxLength: 6, unit: "binary-ascii" }),
    ); // prettier-ignore
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join("");
        const whole = parse(text, { ends: true });
        const bytewise = parse(text, { ends: true, cuts: everyByte(text) });
        expect(bytewise.done).toBe(whole.done);
        expect(bytewise.fault === undefined).toBe(whole.fault === undefined);
        if (whole.done) expect(bytewise).toMatchObject({ body: whole.body, head: whole.head });
      }),
      { numRuns: 2000 },
    );
  });
});

it("looks at each byte of trailers once, however short their lines", () => {
  // Were each line's end to look at all before it, this would take minutes, not milliseconds.
  const text = `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\n${"a\n".repeat(32_000)}\n`;
  for (let round = 0; round < 200; round += 1) expect(parse(text).done).toBe(true);
});
