// The sub-commands as the command calls them: a real gor's recording there and back through every format, foreign HAR files,
// and what inspect says of it.
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { constants, gunzipSync, gzipSync } from "node:zlib";
import { HttpMessage } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import type { ToolDeclaration } from "../component/define.ts";
import { toolCall } from "../component/tool.ts";
import { encodeRecords } from "../core/record/encode.ts";
import { convert } from "./convert.ts";
import { readHar } from "./convert/har-read.ts";
import { jsonLine, messageOfLine } from "./convert/json-lines.ts";
import { inspect } from "./inspect.ts";
import { escaped } from "./inspect/readable.ts";
import { routeShape } from "../core/route-shape.ts";

const shop = fileURLToPath(new URL("../../test/fixtures/shop.gor", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "mirrorball-tools-"));
afterAll(() => rmSync(folder, { recursive: true }));
/** Of 64 KiB each: more than half a gigabyte together. */
const LARGE_ENTRIES = 9000;
const at = (name: string): string => join(folder, name);

interface Result {
  readonly fine: boolean;
  readonly printed: string;
  readonly complaints: string;
}

async function execute(tool: ToolDeclaration, ...words: string[]): Promise<Result> {
  const call = toolCall(tool, words);
  if ("errors" in call) throw new Error(call.errors.join("\n"));
  let printed = "";
  const complaints: string[] = [];
  const context = {
    print: async (text: string) => void (printed += text),
    complain: (line: string) => void complaints.push(line),
    watch: () => () => {},
    interrupted: new Promise<void>(() => {}),
  };
  const { execute } = await tool.load();
  const fine = (await execute(context, call.operands, call.options)) === true;
  return { fine, printed, complaints: complaints.join("\n") };
}

/** The records of a file, as a set: HAR keeps exchanges together, which changes the order. */
const records = (bytes: Buffer): string[] =>
  bytes.toString("latin1").split(Buffer.from("\n🐵🙈🙉\n").toString("latin1")).toSorted();

describe("convert", () => {
  it.each(["jsonl", "jsonl.gz", "gor.gz", "ndjson"])(
    "to .%s and back loses no byte",
    async (ending) => {
      const [there, back] = [at(`there.${ending}`), at(`back-${ending}.gor`)];
      expect(await execute(convert, shop, there)).toMatchObject({ fine: true, complaints: "" });
      expect(await execute(convert, there, back)).toMatchObject({ fine: true, complaints: "" });
      expect(readFileSync(back).equals(readFileSync(shop))).toBe(true);
    },
  );

  it("to HAR keeps every byte of every exchange, and says what has no place", async () => {
    const result = await execute(convert, shop, at("shop.har"));
    const { log } = JSON.parse(readFileSync(at("shop.har"), "utf8")) as {
      log: {
        version: string;
        entries: {
          request: { method: string; url: string };
          response: { status: number; content: { text: string } };
        }[];
      };
    };
    expect(log.version).toBe("1.2");
    expect(log.entries[0]?.request).toMatchObject({
      method: "GET",
      url: "http://shop.example.com/api/items/1?page=2&api_key=abc123",
    });
    expect(log.entries[0]?.response.status).toBe(200);
    await execute(convert, at("shop.har"), at("from-har.gor"));
    const original = records(readFileSync(shop));
    const again = records(readFileSync(at("from-har.gor")));
    const missing = original.filter((record) => !again.includes(record));
    const kept = Number(/(\d+) left out/.exec(result.complaints)?.[1] ?? 0);
    expect(missing).toHaveLength(kept);
    expect(again.length + kept).toBe(original.length);
    expect(result.fine).toBe(kept === 0);
  });

  it("tells of replayed responses and of responses alone, and fails", async () => {
    const base = { startedAt: 1_732_406_400_000_000, latencyNs: 0, context: undefined };
    const http = HttpMessage.fromRaw(Buffer.from("HTTP/1.1 200 OK\r\n\r\n"));
    const messages: Message[] = [
      { kind: 3, id: "a", http, ...base },
      { kind: 2, id: "b", http, ...base },
    ];
    writeFileSync(at("replayed.gor"), encodeRecords(messages));
    const { fine, complaints } = await execute(convert, at("replayed.gor"), at("replayed.har"));
    expect(fine).toBe(false);
    expect(complaints).toMatch(/cannot keep replayed responses: 1 left out/);
    expect(complaints).toMatch(/cannot keep responses without a request before them: 1 left out/);
    expect(JSON.parse(readFileSync(at("replayed.har"), "utf8"))).toMatchObject({
      log: { entries: [] },
    });
  });

  it("reads what browsers export", async () => {
    const entry = {
      startedDateTime: "2026-11-24T20:00:00.250Z",
      time: 12.5,
      request: {
        method: "POST",
        url: "https://shop.test/a b?x=1#top",
        httpVersion: "h2",
        headers: [
          { name: ":method", value: "POST" },
          { name: "Accept", value: "*/*" },
        ],
        postData: { mimeType: "text/plain", text: "héllo" },
      },
      response: {
        status: 201,
        statusText: "",
        httpVersion: "h2",
        headers: [
          { name: "content-encoding", value: "br" },
          { name: "content-length", value: "3" },
        ],
        content: { mimeType: "image/png", text: "AAEC/w==", encoding: "base64" },
      },
    };
    writeFileSync(
      at("browser.har"),
      JSON.stringify({ log: { entries: [entry, { request: {} }] } }),
    );
    const { fine, complaints } = await execute(convert, at("browser.har"), at("browser.gor"));
    expect(fine).toBe(false);
    expect(complaints).toMatch(/entry 1 has no startedDateTime/);
    const text = readFileSync(at("browser.gor"), "latin1");
    const requestText = Buffer.from(
      "POST /a%20b?x=1 HTTP/1.1\r\nHost: shop.test\r\nAccept: */*\r\nContent-Length: 6\r\n\r\nhéllo",
    ).toString("latin1");
    expect(text).toContain(`1764014400250000000\n${requestText}\n`.slice(19));
    expect(text).toContain("HTTP/1.1 201 \r\ncontent-length: 4\r\n\r\n\x00\x01\x02\xff\n");
    const [first, second] = [...text.matchAll(/^[12] ([\da-f]{24}) (\d+)$/gm)];
    expect(first?.[1]).toBe(second?.[1]);
    expect(first?.[2]).toBe(`${Date.parse(entry.startedDateTime)}000000`);
    expect(Number(second?.[2]) - Number(first?.[2])).toBeCloseTo(12_500_000, -4);
  });

  it("reads a HAR of any size entry by entry, in order of time, and keeps what comes before a fault", async () => {
    const body = "x".repeat(64 * 1024);
    const first = Date.parse("2026-11-24T20:00:00Z");
    // Each pair of neighbours is the wrong way round.
    const opening = (number: number): string =>
      `${number === 0 ? "" : ","}{"startedDateTime":"${new Date(first + (number ^ 1)).toISOString()}","request":{"method":"POST","url":"http://shop.test/${number ^ 1}","postData":{"text":"`;
    // Of several members, as gzip has it: so the same body need not be packed anew each time.
    const packed = (text: string): Buffer => gzipSync(text, { level: constants.Z_BEST_SPEED });
    const packedBody = packed(body);
    const members = [packed('\uFEFF{"log":{"version":"1.2","entries":[')];
    for (let number = 0; number < LARGE_ENTRIES; number += 1) {
      members.push(packed(opening(number)), packedBody, packed('"}},"response":{}}'));
    }
    members.push(packed(',{"cut":"off'));
    writeFileSync(at("large.har.gz"), Buffer.concat(members));
    const path = at("large.har.gz");
    const faults: string[] = [];
    let count = 0;
    let heldBytesMax = 0;
    const { arrayBuffers: before } = process.memoryUsage();
    for await (const batch of readHar(path, (explanation) => faults.push(explanation))) {
      for (const { http } of batch) {
        const { head } = http;
        expect(head !== undefined && "target" in head && head.target).toBe(`/${count}`);
        expect(http.body).toHaveLength(body.length);
        count += 1;
      }
      heldBytesMax = Math.max(heldBytesMax, process.memoryUsage().arrayBuffers - before);
    }
    expect(count).toBe(LARGE_ENTRIES);
    expect(faults).toEqual([`${path} ends in the middle, after ${LARGE_ENTRIES} entries`]);
    // The file is larger than a string can be.
    expect(LARGE_ENTRIES * body.length).toBeGreaterThan(512 * 1024 * 1024);
    expect(heldBytesMax).toBeLessThan(400 * 1024 * 1024);
  });

  it("tells of lines that are no message, and keeps the others", async () => {
    await execute(convert, shop, at("lines.jsonl"));
    const lines = readFileSync(at("lines.jsonl"), "utf8");
    writeFileSync(at("bad.jsonl"), `nonsense\n\n[]\n{"type":9}\n${lines}{"type":1`);
    const { fine, complaints } = await execute(convert, at("bad.jsonl"), at("bad.gor"));
    expect(fine).toBe(false);
    expect(complaints).toMatch(/line 1 is no JSON/);
    expect(complaints).toMatch(/line 3 is no object/);
    expect(complaints).toMatch(/line 4 "type" must be 1, 2 or 3/);
    expect(readFileSync(at("bad.gor")).equals(readFileSync(shop))).toBe(true);
  });

  it("writes whole or not at all, and replaces nothing unasked", async () => {
    writeFileSync(at("there.gor"), "mine");
    const refused = await execute(convert, shop, at("there.gor"));
    expect(refused.complaints).toMatch(/there\.gor exists; --overwrite replaces it/);
    expect(readFileSync(at("there.gor"), "utf8")).toBe("mine");
    expect((await execute(convert, shop, at("there.gor"), "--overwrite")).fine).toBe(true);
    const absent = await execute(convert, at("absent.gor"), at("none.har"));
    expect(absent.complaints).toMatch(/cannot read .*absent\.gor: it does not exist/);
    writeFileSync(at("no.har"), "{}");
    expect((await execute(convert, at("no.har"), at("none.gor"))).complaints).toMatch(
      /no log\.entries/,
    );
    expect(
      readdirSync(folder).filter((name) => name.startsWith("none") || name.endsWith(".part")),
    ).toEqual([]);
  });

  it("asks for a format that the name does not say", async () => {
    expect((await execute(convert, shop, at("x.txt"))).complaints).toMatch(
      /does not say its format; give --to/,
    );
    expect((await execute(convert, shop, at("x.txt"), "--to", "jsonl")).fine).toBe(true);
  });

  it("refuses too few and too many names", () => {
    expect(toolCall(convert, ["a"])).toMatchObject({
      errors: [expect.stringMatching(/must be given IN OUT; got a/)],
    });
    expect(toolCall(convert, ["a", "b", "c"])).toMatchObject({
      errors: [expect.stringMatching(/got a b c/)],
    });
    expect(toolCall(inspect, ["a", "b", "--tail"])).toMatchObject({
      operands: ["a", "b"],
      options: { tail: 10 },
    });
    expect(toolCall(inspect, ["--tail", "a"])).toMatchObject({
      operands: ["a"],
      options: { tail: 10 },
    });
    // A number is one, also one that is too large.
    expect(toolCall(inspect, ["a", "--tail", "1001"])).toEqual({
      errors: ['--tail: must be a whole number from 1 to 1000; got "1001"'],
    });
    expect(toolCall(inspect, ["--tail", "3", "a"])).toMatchObject({
      operands: ["a"],
      options: { tail: 3 },
    });
  });

  it("lines hold any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (bytes) => {
        const http = HttpMessage.fromRaw(
          Buffer.concat([Buffer.from("GET / HTTP/1.1\r\n\r\n"), bytes]),
        );
        const message: Message = { kind: 1, id: "x", startedAt: 5n, latencyNs: undefined, http };
        const again = messageOfLine(jsonLine(message));
        if (typeof again === "string") throw new Error(again);
        expect(encodeRecords([again]).equals(encodeRecords([message]))).toBe(true);
      }),
    );
  });
});

describe("inspect", () => {
  it("counts a real recording", async () => {
    const { fine, printed } = await execute(inspect, shop);
    expect(fine).toBe(true);
    expect(printed).toMatch(/^ +22 {2}requests, \d+ bytes; p50 \d+, p99 \d+, max \d+$/m);
    expect(printed).toMatch(/^ +26 {2}responses, /m);
    expect(printed).toMatch(/methods\n +\d+ {2}GET\n/);
    expect(printed).toMatch(/statuses\n +\d+ {2}200\n/);
    expect(printed).toMatch(/^ +\d+ {2}shop\.example\.com/m);
    expect(printed).toMatch(/^ +\d+ {2}GET \/api\/items\/\{number\}$/m);
    expect(printed).toMatch(/^2026-11-24T\S+Z to 2026-11-24T\S+Z\n\d+\.\d{3} s, /m);
  });

  it("lists the last records, with nothing in them that a terminal obeys", async () => {
    const raw = "GET /\u001b[2J HTTP/1.1\r\nHost: a\r\n\r\n\u001b]0;pwned\u0007ok ü\u202e";
    const messages = [1, 2, 3].map((n): Message => ({
      kind: 1, id: `id${n}`, startedAt: n, latencyNs: 0, http: HttpMessage.fromRaw(Buffer.from(raw)),
    })); // prettier-ignore
    writeFileSync(at("evil.gor"), encodeRecords(messages));
    const { printed } = await execute(inspect, at("evil.gor"), "--tail", "2");
    expect(printed).not.toContain("id1,");
    expect(printed).toContain(
      "--- request id3, 1970-01-01T00:00:00.000003000Z, 0 ms\nGET /\\x1b[2J HTTP/1.1\nHost: a\n\n\\x1b]0;pwned\\x07ok ü\\u202e\n",
    );
    // oxlint-disable-next-line no-control-regex -- that is the point
    expect(printed).not.toMatch(/[\u0000-\u0008\u000b-\u001f]/);
  });

  it("tells what it could not read", async () => {
    writeFileSync(
      at("broken.gor"),
      Buffer.concat([Buffer.from("x\n\n🐵🙈🙉\n"), readFileSync(shop)]),
    );
    const { fine, printed, complaints } = await execute(inspect, at("broken.gor"));
    expect(fine).toBe(false);
    expect(printed).toContain("22  requests");
    expect(complaints).toMatch(/no record at byte 0/);
    expect((await execute(inspect, at("nothing*"))).complaints).toMatch(/no file matches/);
  });
});

it.each([
  ["/", "/"],
  ["/users/17", "/users/{number}"],
  ["/a//b/", "/a//b/"],
  ["http://h:1/users/17?x=1#y", "/users/{number}"],
  ["/o/3f2a9c1b7d/2026-11-24", "/o/{hex}/{date}"],
  ["/o/123e4567-e89b-12d3-a456-426614174000", "/o/{uuid}"],
  ["/o/eyJhbGciOiJIUzI1NiIsInR5", "/o/{token}"],
  ["/facade/deadbeef", "/facade/deadbeef"],
  ["/very-long-name-of-a-product-page", "/very-long-name-of-a-product-page"],
  ["*", "*"],
])("the shape of %s is %s", (target, shape) => {
  expect(routeShape(target)).toBe(shape);
});

it("escapes keep line ends and tabs only", () => {
  expect(escaped("a\tb\nc\r\u0000\u009b")).toBe("a\tb\nc\\x0d\\x00\\x9b");
});

it("compressed output is gzip", async () => {
  await execute(convert, shop, at("z.gor.gz"));
  expect(gunzipSync(readFileSync(at("z.gor.gz"))).equals(readFileSync(shop))).toBe(true);
});
