// HAR files as other programs and hostile ones write them: what becomes of each entry, and what is told.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HttpMessage } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { afterAll, describe, expect, it } from "vitest";
import { readHar } from "./convert/har-read.ts";
import { harEntry } from "./convert/har-fields.ts";
import { messageOfLine } from "./convert/json-lines.ts";

const folder = mkdtempSync(join(tmpdir(), "mirrorball-har-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Read {
  readonly raws: string[];
  readonly bodies: string[];
  readonly faults: string[];
  readonly messages: Message[];
}

async function readFile(content: string | Buffer): Promise<Read> {
  const path = join(folder, "x.har");
  writeFileSync(path, content);
  const messages: Message[] = [];
  const faults: string[] = [];
  for await (const batch of readHar(path, (fault) => faults.push(fault.replace(`${path}: `, ""))))
    messages.push(...batch);
  return {
    raws: messages.map(({ http }) => Buffer.from(http.raw).toString("latin1")),
    bodies: messages.map(({ http }) => Buffer.from(http.body).toString()),
    faults,
    messages,
  };
}

type Request = Readonly<Record<string, unknown>>;
const har = (...requests: Request[]): string => {
  const entries = requests.map((request, i) => ({
    startedDateTime: new Date(1_700_000_000_000 + i).toISOString(),
    request: { method: "POST", url: "http://a/x", headers: [], ...request },
    response: { status: 0 },
  }));
  return JSON.stringify({ log: { version: "1.2", entries } });
};
const form = (type: string, params: unknown, text?: string): Request => ({
  headers: [{ name: "Content-Type", value: type }],
  postData: { mimeType: type, params, text },
});

describe("a form that is given as parameters", () => {
  it("becomes the body that a browser sends", async () => {
    const params = [{ name: "a b", value: "é&=" }, { name: "empty", value: "" }, { name: "none" }];
    const { bodies, messages } = await readFile(
      har(form("application/x-www-form-urlencoded", params)),
    );
    expect(bodies).toEqual(["a+b=%C3%A9%26%3D&empty=&none="]);
    expect(messages[0]?.http.head?.headers).toEqual([
      "Host", "a", "Content-Type", "application/x-www-form-urlencoded", "Content-Length", "29",
    ]); // prettier-ignore
  });

  it("is the text, where there is one", async () => {
    const type = "application/x-www-form-urlencoded";
    const params = [{ name: "a", value: "%20b" }];
    const { bodies } = await readFile(har(form(type, params, "a=%20b"), form(type, [], "x=1"), form(type, params, ""))); // prettier-ignore
    expect(bodies).toEqual(["a=%20b", "x=1", "a=%2520b"]);
  });

  it("of parts has the boundary of its type, or one that no value holds", async () => {
    const part = { name: 'q"\r\n', value: "v" };
    const held = { name: "h", value: "--mirrorball-form-0" };
    const given = await readFile(har(form("multipart/form-data; boundary=XYZ", [part])));
    expect(given.bodies).toEqual([
      '--XYZ\r\nContent-Disposition: form-data; name="q%22%0D%0A"\r\n\r\nv\r\n--XYZ--\r\n',
    ]);
    const chosen = await readFile(har(form("multipart/form-data", [held])));
    expect(chosen.bodies[0]).toContain("--mirrorball-form-1--\r\n");
    expect(chosen.messages[0]?.http.head?.headers).toContain(
      "multipart/form-data; boundary=mirrorball-form-1",
    );
    expect(given.faults).toEqual([]);
  });

  it("tells of files whose content is not there", async () => {
    const file = { name: "f", fileName: "ü.png", contentType: "image/png\r\nX: y" };
    const { bodies, faults } = await readFile(har(form("multipart/form-data; boundary=B", [file])));
    expect(bodies).toEqual([
      '--B\r\nContent-Disposition: form-data; name="f"; filename="ü.png"\r\nContent-Type: image/png X: y\r\n\r\n\r\n--B--\r\n',
    ]);
    expect(faults).toEqual(['entry 0 does not hold the content of the file "ü.png"']);
  });
});

describe("what is left out", () => {
  it("is told: entries that are no HTTP together, others one by one", async () => {
    const urls = ["wss://a/s", "data:x", "DATA:y", "about:blank", "https://a/fine", "/rel"];
    const { raws, faults } = await readFile(
      har(...urls.map((url) => ({ url })), { method: "" }, { url: undefined }),
    );
    expect(raws.map((raw) => raw.split("\r\n")[0])).toEqual(["POST /fine HTTP/1.1", "POST /rel HTTP/1.1"]); // prettier-ignore
    expect(faults).toEqual([
      "entry 6 has no request with a method and a URL",
      "entry 7 has no request with a method and a URL",
      "4 entries are no HTTP and are left out (wss: 1, data: 2, about: 1)",
    ]);
  });
});

describe("what would end a line of a head", () => {
  it("does not: in values, names, hosts, targets and methods", async () => {
    const evil = "v\u010d\u010aX-Evil: 1\r\nX-Evil: 2";
    const { raws, faults } = await readFile(
      har(
        { headers: [{ name: "X-A", value: evil }, { name: "B\u010a", value: "x" }] },
        { url: "http://h\r\nX-Evil: 1/p" },
        { url: "http://h\u010d\u010a/p" },
        { url: "http://b\u00fccher.test:8080/p\r\nX-Evil: 1 \ud800" },
        { method: "GET / HTTP/1.1\r\nX-Evil: 1\r\n\r\nGET" },
        { url: "http://u:p@h/\u010d\u010a" },
      ),
    ); // prettier-ignore
    for (const raw of raws) {
      const names = raw.split(/[\r\n]+/).map((line) => line.split(":")[0]);
      expect(names).not.toContain("X-Evil");
    }
    expect(raws.map((raw) => raw.split("\r\n").slice(0, 2))).toEqual([
      ["POST /x HTTP/1.1", "Host: a"],
      ["POST /p HTTP/1.1", "Host: xn--h-8haf"],
      ["POST /p%0D%0AX-Evil:%201%20%EF%BF%BD HTTP/1.1", "Host: xn--bcher-kva.test:8080"],
      ["POST /%C4%8D%C4%8A HTTP/1.1", "Host: h"],
    ]);
    expect(faults).toHaveLength(2);
  });

  it("is refused in the head of a line of JSON, as is half a character in its body", () => {
    const line = { type: 1, id: "a", timestampNs: "1", head: "GET / HTTP/1.1\r\n\r\n", body: "" };
    const rule = (change: object): unknown => messageOfLine(JSON.stringify({ ...line, ...change }));
    expect(rule({})).toMatchObject({ id: "a" });
    expect(rule({ head: "GET / HTTP/1.1\u010d\u010aX: y\r\n\r\n" })).toMatch(
      /one character a byte/,
    );
    expect(rule({ body: "a\ud800" })).toMatch(/half a character/);
    expect(rule({ body: "a\ud83d\ude00" })).toMatchObject({ id: "a" });
    expect(rule({ bodyBase64: "%%" })).toMatch(/must be base64/);
    expect(rule({ id: "a".repeat(5000) })).toMatch(/"id" must be/);
  });
});

it.each([
  ["little-endian", [0xff, 0xfe]],
  ["big-endian", [0xfe, 0xff]],
])("reads UTF-16, %s", async (_, mark) => {
  const text = Buffer.from(har({ postData: { text: "é✓" } }), "utf16le");
  const { bodies } = await readFile(
    Buffer.concat([Buffer.from(mark), mark[0] === 0xff ? text : text.swap16()]),
  );
  expect(bodies).toEqual(["é✓"]);
});

describe("what we write", () => {
  it.each([
    "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nno length",
    "HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\nContent-Length: 1\r\n\r\nx",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
    "HTTP/1.1 000 \r\n\r\n",
    "HTTP/1.1 200 caf\u00e9\r\nX: \u0001\r\n\r\n",
  ])("comes back byte for byte: %j", async (raw) => {
    const context = { connection: 7, connectionSeq: 3, peer: "10.0.0.7:5", service: "s", route: "/:id", tags: ["a", "b"] }; // prettier-ignore
    const request: Message = { kind: 1, id: "a", startedAt: 5, latencyNs: 0, http: HttpMessage.fromRaw(Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n")), context }; // prettier-ignore
    const response: Message = { ...request, kind: 2, startedAt: 6, http: HttpMessage.fromRaw(Buffer.from(raw, "latin1")) }; // prettier-ignore
    const { raws, messages } = await readFile(
      `{"log":{"entries":[${harEntry(request, response)}]}}`,
    );
    expect(raws[1]).toBe(raw);
    expect(messages.map((message) => message.context)).toEqual([context, context]);
  });
});
