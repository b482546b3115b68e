// A body that holds gor's separator line stays one record for gor and comes back as it was; what cannot be framed so is refused.
import { HttpMessage } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RecordDecoder } from "./decode.ts";
import { EncodeReport, encodeRecords } from "./encode.ts";

const MONKEYS = "🐵🙈🙉";
const LINE = `\n${MONKEYS}\n`;
const bytes = (text: string): Buffer => Buffer.from(text);
const INNER = `${LINE}1 bbb 1704067200000000001 1\nDELETE /admin HTTP/1.1\r\nHost: a\r\n\r\n`;

function message(raw: Buffer | string, extra: Partial<Message> = {}): Message {
  const http = HttpMessage.fromRaw(Buffer.from(raw));
  return { kind: 1, id: "a", startedAt: 1_732_406_400_000_000, latencyNs: 5, http, ...extra };
}

function post(body: Buffer | string, head = ""): Buffer {
  const content = Buffer.from(body);
  const length = `Content-Length: ${content.length}\r\n`;
  return Buffer.concat([bytes(`POST /a HTTP/1.1\r\nHost: a\r\n${head || length}\r\n`), content]);
}

/** What gor takes for records: it knows nothing but lines that are exactly the monkeys. */
function asGorReads(file: Buffer): Buffer[] {
  const records: Buffer[] = [];
  let record: Buffer[] = [];
  for (let at = 0; at < file.length;) {
    const next = file.indexOf(0x0a, at) + 1;
    const line = file.subarray(at, next === 0 ? file.length : next);
    at += line.length;
    if (line.equals(bytes(`${MONKEYS}\n`))) {
      records.push(Buffer.concat(record).subarray(0, -1));
      record = [];
    } else record.push(line);
  }
  return records;
}

interface Read {
  readonly raws: string[];
  readonly messages: Message[];
  readonly stale: number;
  readonly skipped: string[];
}

function read(file: Buffer, pieceBytes: number = file.length): Read {
  const skipped: string[] = [];
  let stale = 0;
  const decoder = new RecordDecoder({
    skipped: (reason) => skipped.push(reason),
    staleLength: () => (stale += 1),
  });
  const out = { messages: [] as Message[], timesNs: [] };
  for (let at = 0; at < file.length; at += pieceBytes)
    decoder.push(file.subarray(at, at + pieceBytes), out);
  decoder.end(out);
  const raws = out.messages.map(({ http }) => Buffer.from(http.raw).toString("latin1"));
  return { raws, messages: out.messages, stale, skipped };
}

const firstLine = (file: Buffer): string => file.toString("latin1", 0, file.indexOf(0x0a));
const contentOf = (record: Buffer): Buffer => {
  const { body } = HttpMessage.fromRaw(record.subarray(record.indexOf(0x0a) + 1));
  return Buffer.from(body);
};

describe("a body with the separator line", () => {
  it.each([
    ["in the middle", `x${INNER}`],
    ["at its start", `${MONKEYS}\nx`],
    ["at its end", `x\n${MONKEYS}`],
    ["at its end with a CR", `x\n${MONKEYS}\r`],
    ["alone", MONKEYS],
    ["with CR LF", `x\r\n${MONKEYS}\r\ny`],
    ["twice in a row", `x${LINE}${MONKEYS}\n`],
  ])("%s is one record for gor, with the whole body, and comes back as it was", (_, body) => {
    const raw = post(body);
    const next = message("GET /next HTTP/1.1\r\n\r\n", { id: "b" });
    const file = encodeRecords([message(raw), next]);
    const records = asGorReads(file);
    expect(records).toHaveLength(2);
    expect(contentOf(records[0] ?? raw).equals(bytes(body))).toBe(true);
    expect(firstLine(file)).toMatch(/^1 a 1732406400000000000 5 bytes=\d+ restore=[\w-]+$/);
    // The length is that of the payload as it stands there.
    const length = Number(/bytes=(\d+)/.exec(firstLine(file))?.[1]);
    expect((records[0]?.length ?? 0) - firstLine(file).length - 1).toBe(length);
    for (const size of [1, 7, file.length]) {
      const { raws, stale, skipped } = read(file, size);
      expect(raws).toEqual([raw.toString("latin1"), "GET /next HTTP/1.1\r\n\r\n"]);
      expect([stale, skipped]).toEqual([0, []]);
    }
  });

  it("says what else it is before its length, and -1 for a latency that is not known", () => {
    const ambiguous = message(post(INNER), {
      latencyNs: undefined,
      context: { framing: "ambiguous", connection: 7 },
    });
    const file = encodeRecords([ambiguous]);
    expect(firstLine(file)).toMatch(
      /^1 a 1732406400000000000 -1 ambiguous bytes=\d+ restore=[\w-]+ context=c=7$/,
    );
    expect(read(file).messages[0]?.context).toEqual({ framing: "ambiguous", connection: 7 });
  });

  it("keeps a body in chunks in chunks, with its trailers", () => {
    const raw = Buffer.concat([
      bytes("POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"),
      bytes(`${Buffer.byteLength(INNER).toString(16)};x=1\r\n${INNER}\r\n0\r\nX-Sum: 9\r\n\r\n`),
    ]);
    const file = encodeRecords([message(raw)]);
    expect(asGorReads(file)).toHaveLength(1);
    expect(firstLine(file)).toMatch(/ 5 bytes=\d+$/);
    const [back] = read(file).messages;
    expect(Buffer.from(back?.http.body ?? []).equals(bytes(INNER))).toBe(true);
    expect(back?.http.trailers).toEqual(["X-Sum", "9"]);
  });

  it("restores a response that ended with its connection, and a body that broke off", () => {
    const close = bytes(`HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nx${INNER}`);
    const short = bytes(`POST /a HTTP/1.1\r\ncontent-LENGTH:\t900 \r\nHost: a\r\n\r\nx${INNER}`);
    for (const raw of [close, short]) {
      const file = encodeRecords([message(raw, { kind: raw === close ? 2 : 1 })]);
      expect(asGorReads(file)).toHaveLength(1);
      expect(read(file).raws).toEqual([raw.toString("latin1")]);
    }
    expect(HttpMessage.fromRaw(short).bodyComplete).toBe(false);
    const gors = asGorReads(encodeRecords([message(short)]))[0] ?? short;
    expect(HttpMessage.fromRaw(gors.subarray(gors.indexOf(0x0a) + 1)).bodyComplete).toBe(false);
  });

  it.each([
    ["no HTTP at all", `x${INNER}`],
    ["a field line of monkeys", `GET / HTTP/1.1\r\nA: b\n${MONKEYS}\r\n\r\n`],
    ["bytes behind a head without a length", `GET / HTTP/1.1\r\nA: b\r\n\r\n${INNER}`],
    ["bytes behind the length", `POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx${INNER}`],
    ["two lengths", `POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n${LINE}`],
    ["HTTP/1.0", `POST / HTTP/1.0\r\nContent-Length: 14\r\n\r\n${LINE}`],
    ["chunks that are none", `POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz${LINE}`],
    [
      "bytes behind the chunks",
      `POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${LINE}`,
    ],
    [
      "a trailer of monkeys",
      `POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${MONKEYS}\r\n\r\n`,
    ],
    ["another coding", `POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n${LINE}`],
    ["a status without a body", `HTTP/1.1 304 Not Modified\r\n\r\n${LINE}`],
  ])("is refused, and told, in %s", (_, raw) => {
    const good = message("GET / HTTP/1.1\r\n\r\n", { id: "b" });
    const bad = message(raw);
    const report = new EncodeReport();
    const file = encodeRecords([good, bad, good], report);
    expect(report.refused).toEqual([bad]);
    expect(report.kept).toEqual([good, good]);
    expect(report.ends.at(-1)).toBe(file.length);
    expect(file.equals(encodeRecords([good, good]))).toBe(true);
    expect(() => encodeRecords([bad])).toThrow("separator-in-message");
  });

  it("is nothing but a line that is exactly the monkeys", () => {
    for (const body of [`x${MONKEYS}\n`, `\n${MONKEYS}x`, "\n🐵🙈🙊\n", `\n${MONKEYS}\r\r\n`]) {
      const raw = post(body);
      const line = Buffer.from("1 a 1732406400000000000 5\n");
      expect(encodeRecords([message(raw)])).toEqual(Buffer.concat([line, raw, bytes(LINE)]));
    }
  });

  it("never makes two records, whatever it is", () => {
    const part = fc.constantFrom(
      MONKEYS, "\n", "\r\n", "🐵", "x", "\r", "1 b 1 1\n", "GET / HTTP/1.1\r\n\r\n", "0\r\n\r\n",
    ); // prettier-ignore
    const body = fc.array(part, { maxLength: 12 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(body, fc.constantFrom("length", "chunked", "close"), (content, framing) => {
        const raw =
          framing === "length"
            ? post(content)
            : framing === "close"
              ? bytes(`HTTP/1.1 200 OK\r\nA: b\r\n\r\n${content}`)
              : Buffer.from(
                  HttpMessage.fromParts(
                    { method: "POST", target: "/", version: "HTTP/1.1", headers: ["Transfer-Encoding", "chunked"] },
                    bytes(content),
                  ).raw,
                ); // prettier-ignore
        const file = encodeRecords([message(raw)]);
        const records = asGorReads(file);
        expect(records).toHaveLength(1);
        expect(contentOf(records[0] ?? file).toString()).toBe(content);
        const back = read(file, 5);
        expect(back.messages).toHaveLength(1);
        expect(Buffer.from(back.messages[0]?.http.body ?? []).toString()).toBe(content);
        if (framing !== "chunked") expect(back.raws).toEqual([raw.toString("latin1")]);
      }),
      { numRuns: 500 },
    );
  });
});

describe("a record's length", () => {
  const file = (length: number | string, payload: string, behind = LINE): Buffer =>
    bytes(`1 a 1 2 bytes=${length}\n${payload}${behind}1 b 3 4\nGET / HTTP/1.1\r\n\r\n${LINE}`);
  const payload = `POST / HTTP/1.1\r\nContent-Length: 900\r\n\r\nx${LINE}y`;
  const size = Buffer.byteLength(payload);

  it("is followed over separators, when one stands exactly behind it or one LF later", () => {
    for (const behind of [LINE, `\n${LINE}`]) {
      for (const pieceBytes of [1, 3, 1000]) {
        const { raws, stale, skipped } = read(file(size, payload, behind), pieceBytes);
        expect(raws[0]).toBe(bytes(payload).toString("latin1"));
        expect(raws).toHaveLength(2);
        expect([stale, skipped]).toEqual([0, []]);
      }
    }
  });

  it.each([1, size - 1, size + 1, size + 2, size + 50, 1_000_000, 999_999_999_999])(
    "of %d, which is not right, is counted and not followed",
    (length) => {
      for (const pieceBytes of [1, 3, 1000]) {
        const { raws, stale, skipped } = read(file(length, payload), pieceBytes);
        expect(stale).toBe(1);
        // As without a length: the first separator ends it, and what follows is no record.
        expect(raws[0]).toBe(bytes(payload).toString("latin1").split(bytes(LINE).toString("latin1"))[0]); // prettier-ignore
        expect(skipped).toEqual(["bad-record"]);
        expect(raws).toHaveLength(2);
      }
    },
  );

  it.each(["", "0", "x", "-1", "1e3", "1234567890123"])("of %j is none", (length) => {
    const { raws, stale } = read(file(length, "GET /a HTTP/1.1\r\n\r\n"));
    expect(raws).toEqual(["GET /a HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"]);
    expect(stale).toBe(0);
  });

  it("counts when the file ends behind it, with a part of a separator or none", () => {
    const whole = bytes(`1 a 1 2 bytes=${size}\n${payload}`);
    for (const rest of ["", "\n", `\n${MONKEYS}`]) {
      const { raws, stale } = read(Buffer.concat([whole, bytes(rest)]));
      expect([raws, stale]).toEqual([[bytes(payload).toString("latin1")], 0]);
    }
    expect(read(whole.subarray(0, -1)).stale).toBe(1);
  });

  it("of a message that was changed after it was written leaves the message as it came", () => {
    const encoded = encodeRecords([message(post(INNER))]).toString("latin1");
    const changed = encoded.replace("Host: a\r\n", "Host: a\r\nX-Added: 1\r\n");
    const { messages, stale } = read(Buffer.from(changed, "latin1"));
    expect(stale).toBe(1);
    expect(messages).toHaveLength(1);
    expect(messages[0]?.http.head?.headers).toContain("X-Added");
    expect(Buffer.from(messages[0]?.http.body ?? []).toString()).toBe(INNER);
  });

  it("restores nothing but a length: no word may put other fields into a head", () => {
    for (const line of ["X: y\r\n", "Content-Length: 3\r\nX: y\r\n", "Content-Length: 3\r\n\r\n"]) {
      const word = Buffer.from(line).toString("base64url");
      const chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
      const forged = bytes(`1 a 1 2 bytes=${chunked.length} restore=${word}\n${chunked}${LINE}`);
      expect(read(forged).raws).toEqual([chunked]);
    }
  });

  it("costs a hostile file no more than so much a byte", () => {
    const record = `1 a 1 2 bytes=400000000\nGET / HTTP/1.1\r\n\r\n${LINE}`;
    const { messages, stale } = read(bytes(record.repeat(20_000)), 1000);
    expect([messages.length, stale]).toEqual([20_000, 20_000]);
  });
});
