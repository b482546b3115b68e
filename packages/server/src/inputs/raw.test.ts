// The raw input over a recorded conversation: every exchange, the same output whatever the pieces it is read in.
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { HttpMessage, MessageKind, isResponseHead } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { describe, expect, it } from "vitest";
import { CaptureReader } from "../core/packet/capture-reader.ts";
import { encodeRecords } from "../core/record/encode.ts";
import type { InputContext } from "../component/types.ts";
import { runInput } from "../../test/kit-input.ts";
import { PORT } from "../../test/packet-kit.ts";
import { Wire, captureFile } from "../../test/pcap-kit.ts";
import { proxyHeader } from "../../test/stream-kit.ts";
import { CaptureFile } from "./raw/file/capture-file.ts";
import { Capture } from "./raw/capture.ts";

const shop = fileURLToPath(new URL("../../test/fixtures/shop.pcap", import.meta.url));
const bytes = readFileSync(shop);
const folder = mkdtempSync(join(tmpdir(), "mirrorball-raw-"));

/** Method, target and status of each exchange, in the order of the requests, as the traffic was made. */
const EXCHANGES = [
  "GET /api/items/1?page=2&api_key=abc123 200",
  "GET /api/items/2?api_key=def456 200",
  "HEAD /big 200",
  "POST /api/users 200",
  "PUT /api/users/9 200",
  "POST /upload 200",
  "POST /upload/bin 200",
  "DELETE /api/users/9 200",
  "OPTIONS /api/users 200",
  "PATCH /api/users/9 200",
  "GET /gzip?x=1 200",
  "GET /chunked 200",
  "GET /big 200",
  "GET /nomod 304",
  "GET /empty 204",
  "GET /redirect 302",
  "GET /error 500",
  "GET /login?user=1 200",
  "POST /upload/expect 200",
  "GET /pipe/1 200",
  "GET /pipe/2 200",
  "POST /pipe/3 200",
  "GET /split/1 200",
  "GET /old 200",
  "GET http://shop.example.com/abs?q=1 200",
  "GET /caf%C3%A9/%2F?q=a+b&q=c 200",
];

function exchanges(messages: readonly Message[]): string[] {
  return messages
    .filter(({ kind }) => kind === MessageKind.request)
    .map(({ id, http }) => {
      const answers = messages.filter(
        (other) => other.id === id && other.kind === MessageKind.response,
      );
      const { head } = http;
      const start =
        head === undefined || isResponseHead(head) ? "" : `${head.method} ${head.target}`;
      return [start, ...answers.map((answer) => answer.http.status)].join(" ");
    });
}

const sha1 = (body: Uint8Array): string => createHash("sha1").update(body).digest("hex");

function testContext(): InputContext {
  return {
    name: "",
    speed: 1,
    emit: () => undefined,
    dropped: () => {},
    refused: () => {},
    stdout: { write: async () => undefined },
    loopGuard: true,
    clock: { nowUs: () => 0, monotonicMs: () => 0 },
    log: { warn: () => {}, debug: () => {} },
  };
}

describe("a recorded shop", () => {
  it("gives exactly its 26 requests, each with its own final response", async () => {
    const { messages, counters } = await runInput([
      "--input-raw",
      `${shop}:8181`,
      "--input-raw-track-response",
    ]);
    expect(exchanges(messages)).toEqual(EXCHANGES);
    expect(messages).toHaveLength(52);
    expect(new Set(messages.map(({ id }) => id)).size).toBe(26);
    expect(messages.every(({ id }) => /^[\da-f]{4}1ff57f000001[\da-f]{8}$/.test(id))).toBe(true);
    expect(counters.lost).toBe(0);
    expect(counters.inputs[0]?.stats.figures).toMatchObject({
      requests: 26,
      responses: 26,
      interimResponses: 1,
      requestsUnanswered: 0,
      bytesSeen: 521_173,
      bytesDelivered: 521_173,
      bytesPending: 0,
    });
  });

  it("keeps every body: the server saw the same bytes", async () => {
    const { messages } = await runInput([
      "--input-raw",
      `${shop}:8181`,
      "--input-raw-track-response",
    ]);
    let checked = 0;
    for (const { id, kind, http } of messages) {
      const sum = kind === MessageKind.response ? /"sha":"([\da-f]{40})"/.exec(Buffer.from(http.body).toString())?.[1] : undefined; // prettier-ignore
      if (sum === undefined) continue;
      const request = messages.find(
        (other) => other.id === id && other.kind === MessageKind.request,
      );
      expect(sha1(request?.http.body ?? Buffer.alloc(0))).toBe(sum);
      checked += 1;
    }
    expect(checked).toBe(17);
    const big = messages.find(({ http }) => http.status === 200 && http.body.length === 307_200);
    expect(big?.latencyNs).toBeGreaterThan(0);
  });

  it("gives the same bytes whatever the size of the pieces, a hundred times", async () => {
    const gather = async (piece: number): Promise<string> => {
      const messages: Message[] = [];
      const capture = new Capture(
        { ...testContext(), emit: (batch) => void messages.push(...batch) },
        { ports: [8181], trackResponses: true, allowIncomplete: false, realIpHeader: "", idleSeconds: 300, canWait: true }, // prettier-ignore
      );
      const reader = new CaptureReader(capture.sink);
      const half = Buffer.alloc(piece);
      for (let at = 0; at < bytes.length; at += piece) {
        // One buffer again and again, as files are read.
        const size = bytes.copy(half, 0, at, at + piece);
        reader.push(half.subarray(0, size));
        void capture.flush();
      }
      await capture.end();
      return sha1(encodeRecords(messages));
    };
    const expected = await gather(bytes.length);
    for (const piece of [1, 2, 3, 7, 16, 61, 255, 1448, 4096, 65_536]) {
      expect([piece, await gather(piece)]).toEqual([piece, expected]);
    }
    for (let run = 0; run < 100; run += 1) expect(await gather(1000 + run * 613)).toBe(expected);
  });

  it("drops nothing of a capture that ends with many messages under way, however slow the pipeline", async () => {
    const wire = new Wire();
    const body = Buffer.alloc(60_000, "a");
    for (let clients = 0; clients < 90; clients += 1) {
      const conversation = wire.connect();
      conversation.client("POST / HTTP/1.1\r\nContent-Length: 2000000\r\n\r\n");
      for (let piece = 0; piece < 15; piece += 1) conversation.client(body);
    }
    const path = captureFile(wire.bytes());
    wire.packets.length = 0;
    const context = testContext();
    let requests = 0;
    const capture = new Capture(
      {
        ...context,
        emit: async (batch) => {
          requests += batch.length;
          await new Promise((resolve) => setImmediate(resolve));
        },
        dropped: (reason) => expect(reason).toBe(""),
      },
      { ports: [PORT], trackResponses: true, allowIncomplete: true, realIpHeader: "", idleSeconds: 300, canWait: true }, // prettier-ignore
    );
    const file = new CaptureFile(path, { sink: capture.sink, burst: () => capture.flush() });
    await file.open();
    await file.readAll();
    await capture.end();
    expect(requests).toBe(90);
  });

  it("takes no connection for quiet while its packets wait to be worked on", async () => {
    const wire = new Wire();
    const conversation = wire.connect();
    conversation.client("POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nab");
    conversation.client("cd");
    const messages: Message[] = [];
    const capture = new Capture(
      { ...testContext(), emit: (batch) => void messages.push(...batch) },
      { ports: [PORT], trackResponses: true, allowIncomplete: false, realIpHeader: "", idleSeconds: 1, canWait: false }, // prettier-ignore
    );
    const reader = new CaptureReader(capture.sink);
    const packets = wire.bytes();
    reader.push(packets.subarray(0, -40));
    // Ten seconds behind.
    const nowSeconds = (wire.packets[0]?.seconds ?? 0) + 10;
    const open = (): number | undefined =>
      capture.stats({ kernel: 0, interface: 0, overload: 0 }).figures["connectionsOpen"];
    capture.tick(nowSeconds);
    expect(open()).toBe(1);
    reader.push(packets.subarray(-40));
    capture.tick(nowSeconds + 1);
    expect(open()).toBe(1);
    // Nothing came since: it is quiet indeed.
    capture.tick(nowSeconds + 2);
    expect(open()).toBe(0);
    await capture.end();
    expect(messages.map(({ http }) => Buffer.from(http.body).toString())).toEqual(["abcd"]);
  });

  it("gives requests alone without tracking, and counts the rest", async () => {
    const { messages, counters } = await runInput(["--input-raw", `${shop}:8181`]);
    expect(messages).toHaveLength(26);
    const figures = counters.inputs[0]?.stats.figures;
    expect(figures?.["bytesDelivered"]).toBe(207_759);
    expect(figures?.["notHttpBytes.responses-not-tracked"]).toBe(313_414);
  });

  it("tells the client's address when asked", async () => {
    const { messages } = await runInput([
      "--input-raw",
      `${shop}:8181`,
      "--input-raw-realip-header",
      "X-Real-IP",
    ]);
    expect(messages.map(({ http }) => http.head?.headers.slice(0, 2))).toEqual(
      Array.from({ length: 26 }, () => ["X-Real-IP", "127.0.0.1"]),
    );
    expect(messages[6]?.http.body.length).toBe(204_800);
  });
});

describe("captures that are damaged", () => {
  const file = (content: Uint8Array): string => {
    const path = join(folder, `${sha1(content)}.pcap`);
    writeFileSync(path, content);
    return path;
  };

  it("cut inside a packet give what came before, and say so", async () => {
    const { messages, counters, log } = await runInput([
      "--input-raw",
      file(bytes.subarray(0, 5000)),
    ]);
    expect(messages.length).toBeGreaterThan(0);
    expect(counters.inputs[0]?.dropped).toEqual({ "damaged-capture": 1 });
    expect(log.join("\n")).toMatch(/ends inside a packet/);
  });

  it("with a packet of four gigabytes end there", async () => {
    const broken = Buffer.from(bytes);
    const at = 24 + 16 + broken.readUInt32LE(24 + 8);
    broken.writeUInt32LE(0xffff_fff0, at + 8);
    const { counters, log } = await runInput(["--input-raw", file(broken)]);
    expect(counters.inputs[0]?.dropped).toEqual({ "damaged-capture": 1 });
    expect(log.join("\n")).toMatch(/packet length/);
  });

  it("of no kind we know are refused before anything runs", async () => {
    await expect(runInput(["--input-raw", file(Buffer.from("no capture at all"))])).rejects.toThrow(
      /cannot read .*must begin as pcap or pcapng/,
    );
    await expect(runInput(["--input-raw", join(folder, "absent.pcap")])).rejects.toThrow(
      /it does not exist/,
    );
  });

  it("with an unknown link type are counted", async () => {
    const odd = Buffer.from(bytes);
    odd.writeUInt32LE(147, 20);
    const { messages, counters } = await runInput(["--input-raw", file(odd)]);
    expect(messages).toEqual([]);
    expect(counters.inputs[0]?.stats.figures["packetsNotTcp"]).toBe(140);
  });
});

it("behind a load balancer's binary header requests are whole, paired and beyond doubt", async () => {
  const wire = new Wire();
  const conversation = wire.connect();
  const header = proxyHeader(40);
  const request = (path: string): Buffer =>
    Buffer.from(`GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`);
  const response = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  for (const byte of header.subarray(0, 50)) conversation.client(Uint8Array.of(byte));
  conversation.client(Buffer.concat([header.subarray(50), request("/1"), request("/2")]));
  conversation.server(response + response);
  conversation.client(request("/3"));
  conversation.server(response);
  conversation.close();
  const path = join(folder, "proxy.pcap");
  writeFileSync(path, wire.bytes());
  const { messages, counters } = await runInput(["--input-raw", `${path}:${PORT}`, "--input-raw-track-response"]); // prettier-ignore
  expect(exchanges(messages)).toEqual(["GET /1 200", "GET /2 200", "GET /3 200"]);
  expect(messages.map(({ context }) => context?.framing)).toEqual(messages.map(() => undefined));
  expect(counters.inputs[0]?.stats.figures).toMatchObject({ requests: 3, responses: 3, requestsUnanswered: 0, bytesPending: 0 }); // prettier-ignore
  expect(counters.inputs[0]?.stats.figures["notHttpBytes.proxy-protocol"]).toBe(header.length);
});

it("a header field is set at the head, never in the body", async () => {
  const { withField } = await import("../core/http/edit/with-field.ts");
  const text = (raw: string): string =>
    Buffer.from(withField(HttpMessage.fromRaw(Buffer.from(raw)), "X-A", "new").raw).toString();
  expect(text("POST / HTTP/1.1\r\nHost: x\r\n\r\nX-A: old\r\n")).toBe(
    "POST / HTTP/1.1\r\nX-A: new\r\nHost: x\r\n\r\nX-A: old\r\n",
  );
  expect(text("GET / HTTP/1.1\r\nHost: x\r\nx-a: old\r\n more\r\nX-A: 2\r\n\r\n")).toBe(
    "GET / HTTP/1.1\r\nHost: x\r\nX-A: new\r\nX-A: 2\r\n\r\n",
  );
  expect(text("GET / HTTP/1.1\nx-a: old\n\n")).toBe("GET / HTTP/1.1\nX-A: new\r\n\n");
});
