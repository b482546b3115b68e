// What a head may not do to whoever scans it: make it look twice at what it has seen.
import { expect, it } from "vitest";
import { Coding, HeadScan } from "./head-scan.ts";
import { scanHead } from "./scan-head.ts";

/** Of heads that took 3.7 s each when blanks were searched for from each of them on, this many end no test in time. */
const ROUNDS = 50;
const BLANKS = " ".repeat(65_000);

function scanned(fields: string): HeadScan {
  const bytes = Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\n`);
  const scan = new HeadScan();
  expect(scanHead(bytes, 0, bytes.length, true, scan)).toBe(bytes.length);
  return scan;
}

it.each([
  ["within a length", `Content-Length: 0${BLANKS}1`],
  ["within a list of lengths", `Content-Length: 1,1${BLANKS}1`],
])("passes blanks once: %s", (_where, fields) => {
  for (let round = 0; round < ROUNDS; round += 1) {
    expect(scanned(fields)).toMatchObject({ contentLengthInvalid: true });
  }
});

it("passes blanks once: within a coding", () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    expect(scanned(`Transfer-Encoding: x${BLANKS}1`).coding).toBe(Coding.invalid);
  }
});

it("takes blanks and tabs from around a value, and nothing else", () => {
  expect(scanned("Content-Length:\t 7 \t").contentLength).toBe(7);
  expect(scanned("Content-Length: 7\t , 7").contentLength).toBe(7);
  expect(scanned("Content-Length: 7\v").contentLengthInvalid).toBe(true);
  expect(scanned("Transfer-Encoding: gzip\t,\t chunked ").coding).toBe(Coding.chunked);
});
