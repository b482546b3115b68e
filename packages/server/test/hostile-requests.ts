// Requests as attackers and old clients send them, and where Node's own parser and ours see them differently, with the reason.

const post = (...lines: string[]): string => ["POST /x HTTP/1.1", "Host: x", ...lines].join("\r\n");
const chunked = (body: string, ...lines: string[]): string =>
  post("Transfer-Encoding: chunked", ...lines, "", body);
const END = "0\r\n\r\n";

/** Each stands between two plain requests. */
export const HOSTILE: Readonly<Record<string, string>> = {
  "a plain length": post("Content-Length: 5", "", "hello"),
  "a length of zero": post("Content-Length: 0", "", ""),
  "plain chunks": chunked(`5\r\nhello\r\n1\r\n!\r\n${END}`),
  "a chunk extension": chunked(`5;a=b\r\nhello\r\n${END}`),
  "a quoted chunk extension": chunked(`5;a="b c"\r\nhello\r\n${END}`),
  "chunk sizes with zeros": chunked(`0005\r\nhello\r\n000\r\n\r\n`),
  "an upper-case chunk size": chunked(`A\r\n0123456789\r\n${END}`),
  trailers: chunked("2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n"),
  "coding before chunked": post("Transfer-Encoding: gzip, chunked", "", `2\r\nhi\r\n${END}`),
  "many fields": post(...Array.from({ length: 50 }, (_, i) => `X-${i}: ${i}`), "", ""),
  "bytes above 127": post("X-A: caf\xe9", "Content-Length: 1", "", "\xff"),
  "an empty value": post("X-A:", "", ""),
  "blanks around a value": post("X-A: \t b \t ", "Content-Length:  2 ", "", "hi"),
  "an odd method": "M-SEARCH * HTTP/1.1\r\nHost: x\r\n\r\n",
  "an absolute target": "GET http://x/a?b HTTP/1.1\r\nHost: x\r\n\r\n",
  "an empty line before": "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
  "CL.TE": post("Content-Length: 6", "Transfer-Encoding: chunked", "", `${END}G`),
  "TE.CL": post("Transfer-Encoding: chunked", "Content-Length: 4", "", `5c\r\nGPOST / HTTP/1.1\r\n${END}`), // prettier-ignore
  "TE.TE, an unknown coding": post("Transfer-Encoding: xchunked", "", END),
  "TE.TE, a space before the colon": post("Transfer-Encoding : chunked", "", END),
  "TE.TE, a vertical tab": post("Transfer-Encoding: \x0bchunked", "", END),
  "TE.TE, chunked twice": post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked", "", END),
  "TE.TE, identity": post("Transfer-Encoding: identity", "", ""),
  "chunked is not last": post("Transfer-Encoding: chunked, gzip", "", END),
  "chunked on a folded line": post("Transfer-Encoding:", " chunked", "", END),
  "two lengths that differ": post("Content-Length: 5", "Content-Length: 6", "", "hello!"),
  "two lengths that agree": post("Content-Length: 5", "Content-Length: 5", "", "hello"),
  "a list of lengths": post("Content-Length: 5, 5", "", "hello"),
  "a length with a sign": post("Content-Length: +5", "", "hello"),
  "a negative length": post("Content-Length: -5", "", "hello"),
  "a hexadecimal length": post("Content-Length: 0x5", "", "hello"),
  "a length with a blank inside": post("Content-Length: 5 0", "", "hello"),
  "an empty length": post("Content-Length:", "", ""),
  "a length beyond all numbers": post(`Content-Length: ${"9".repeat(30)}`, "", ""),
  "a length on a folded line": post("Content-Length:", " 5", "", "hello"),
  "a space before a colon": post("X-A : b", "", ""),
  "a space before the first field": "GET / HTTP/1.1\r\n X-A: b\r\nHost: x\r\n\r\n",
  "an empty name": post(": b", "", ""),
  "a line without a colon": post("what", "", ""),
  "a blank in a name": post("X A: b", "", ""),
  "NUL in a value": post("X-A: b\0c", "", ""),
  "NUL in a name": post("X\0A: b", "", ""),
  "a control byte in a value": post("X-A: b\x01c", "", ""),
  "a bare CR in a value": post("X-A: b\rContent-Length: 1", "", ""),
  "a bare CR before a name": post("X-A: b\r\n\rX-B: c", "", ""),
  "a CR before the end": "GET / HTTP/1.1\r\nHost: x\r\n\rX",
  "a folded value": post("X-A: b", "  c", "", ""),
  "bare LF": "GET / HTTP/1.1\nHost: x\n\n",
  "bare LF between fields": "GET / HTTP/1.1\r\nHost: x\nX-A: b\r\n\r\n",
  "a blank in the target": "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
  "a tab in the target": "GET /a\tb HTTP/1.1\r\nHost: x\r\n\r\n",
  "a method nobody knows": "FROBNICATE / HTTP/1.1\r\nHost: x\r\n\r\n",
  "a lower-case method": "get / HTTP/1.1\r\nHost: x\r\n\r\n",
  "a version nobody speaks": "GET / HTTP/3.7\r\nHost: x\r\n\r\n",
  "no version": "GET /\r\nHost: x\r\n\r\n",
  "a chunk size that is none": chunked(`x\r\nhello\r\n${END}`),
  "an empty chunk size": chunked(`\r\nhello\r\n${END}`),
  "a chunk size with 0x": chunked(`0x5\r\nhello\r\n${END}`),
  "a chunk size with a sign": chunked(`+5\r\nhello\r\n${END}`),
  "a chunk size beyond all numbers": chunked(`${"f".repeat(20)}\r\nhello\r\n${END}`),
  "a blank behind a chunk size": chunked(`5 \r\nhello\r\n${END}`),
  "bare LF behind a chunk size": chunked(`5\nhello\r\n${END}`),
  "bare LF behind a chunk": chunked(`5\r\nhello\n${END}`),
  "a bare CR behind a chunk size": chunked(`5\rXhello\r\n${END}`),
  "no line end behind a chunk": chunked(`5\r\nhello${END}`),
  "a chunk that is longer than it says": chunked(`5\r\nhello world\r\n${END}`),
  "NUL in a chunk extension": chunked(`5;a=\0\r\nhello\r\n${END}`),
  "a trailer without a colon": chunked("0\r\nwhat\r\n\r\n"),
  "a folded trailer": chunked("0\r\nX-A: b\r\n c\r\n\r\n"),
  TLS: "\x16\x03\x01\x00\x05hello",
  nonsense: "what is this?\r\n\r\n",
};

export interface Disagreement {
  /** `laxer`: we take what Node refuses. `shorter`: we stop one request earlier than Node. */
  readonly kind: "laxer" | "shorter";
  readonly reason: string;
}

export const DISAGREEMENTS: Readonly<Record<string, Disagreement>> = {
  "a folded value": {
    kind: "laxer",
    reason:
      "RFC 9112 5.2 lets a server replace the fold by blanks; of fields that decide framing we flag it",
  },
  "bare LF": { kind: "laxer", reason: "RFC 9112 2.2 lets a recipient take LF for a line's end" },
  "bare LF between fields": { kind: "laxer", reason: "as above" },
  "a method nobody knows": {
    kind: "laxer",
    reason: "Node knows a list of methods; a method is any token (RFC 9110 9.1)",
  },
  "a lower-case method": { kind: "laxer", reason: "as above: methods are case-sensitive tokens" },
  "no version": {
    kind: "shorter",
    reason: "HTTP/0.9 has no framing that a stream could be read by",
  },
};
