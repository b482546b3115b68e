// Copies of requests over HTTP: what arrives, what is answered and when. Raw sockets, so that every byte is ours.
import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import type { Message } from "@mirrorball/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { freePort } from "../../test/kit.ts";
import type { Accepted, Input, InputContext } from "../component/types.ts";
import { inputDummy } from "./dummy.ts";
import { inputHttp } from "./http.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const POLL = { timeout: 20_000 };

interface Rig {
  readonly port: number;
  readonly input: Input;
  readonly messages: Message[];
  readonly refusals: string[];
  gate: Accepted;
}

function context(made: Pick<Rig, "messages" | "refusals" | "gate">): InputContext {
  return {
    name: "input-http",
    speed: 1,
    stdout: { write: async () => undefined },
    loopGuard: true,
    emit: (batch) => {
      made.messages.push(...batch);
      return made.gate;
    },
    dropped: () => {},
    refused: (reason) => made.refusals.push(reason),
    clock: { nowUs: () => Date.now() * 1000, monotonicMs: () => performance.now() },
    log: { warn: () => {}, debug: () => {} },
  };
}

async function rig(bodyLimitBytes = 1024 * 1024): Promise<Rig> {
  const port = await freePort();
  const parts = { messages: [], refusals: [], gate: undefined };
  const values = { bodyLimitBytes };
  const { create } = await inputHttp.load(values);
  const input = create(context(parts), `127.0.0.1:${port}`, values);
  await input.start();
  closers.push(() => input.stop());
  return Object.assign(parts, { port, input });
}

class Client {
  answer = "";
  readonly socket: Socket;

  constructor(port: number) {
    this.socket = connect(port, "127.0.0.1");
    this.socket.on("error", () => {});
    this.socket.on("data", (chunk: Buffer) => (this.answer += chunk.toString("latin1")));
    closers.push(() => this.socket.destroy());
  }

  async statuses(count: number): Promise<string[]> {
    const found = (): string[] =>
      [...this.answer.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, code]) => code ?? "");
    await expect.poll(() => found().length, POLL).toBe(count);
    return found();
  }
}

const raw = (messages: readonly Message[]): string[] =>
  messages.map(({ http }) => Buffer.from(http.raw).toString("latin1"));

describe("copies", () => {
  const cases: Record<string, string> = {
    "order, case and duplicates of fields": "GET /a%20b/../c?x=%2F&x=2 HTTP/1.1\r\nX-Case-KEPT: 1\r\nhOST: shop\r\nx-dup: 1\r\nX-Dup: caf\u00e9\r\nCookie: a=1\r\nCookie: b=2\r\n\r\n",
    "a body, byte for byte": "POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 5\r\n\r\n\u0000\u00ff\r\n\u0001",
    "a chunked body with trailers, as one chunk": "PUT / HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 9\r\n\r\n",
    "an absolute target": "GET http://other.test/x HTTP/1.1\r\nHost: shop\r\n\r\n",
    "OPTIONS *": "OPTIONS * HTTP/1.1\r\nHost: shop\r\n\r\n",
    "no Host": "DELETE /1 HTTP/1.1\r\nA: b\r\n\r\n",
    "an upgrade": "GET /ws HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "an expectation nobody knows": "GET / HTTP/1.1\r\nHost: shop\r\nExpect: miracles\r\n\r\n",
    "a head of 200 kB": `GET / HTTP/1.1\r\nHost: shop\r\nX: ${"a".repeat(200_000)}\r\n\r\n`,
  }; // prettier-ignore
  it.each(Object.entries(cases))("keep %s", async (_name, text) => {
    const server = await rig();
    const client = new Client(server.port);
    client.socket.write(text, "latin1");
    expect(await client.statuses(1)).toEqual(["200"]);
    expect(client.answer).toContain("\r\n\r\nOK\n");
    expect(raw(server.messages)).toEqual([text]);
    expect(server.messages[0]).toMatchObject({
      kind: 1,
      latencyNs: -1,
      id: expect.stringMatching(/^[\da-f]{24}$/),
    });
  });

  it("that are replays are answered and left out, counted", async () => {
    const server = await rig();
    const client = new Client(server.port);
    const replay =
      "POST / HTTP/1.1\r\nHost: s\r\nx-mirrorball-replay: 1\r\nContent-Length: 2\r\n\r\nab";
    const own = "GET /own HTTP/1.1\r\nHost: s\r\n\r\n";
    client.socket.write(replay + own);
    expect(await client.statuses(2)).toEqual(["200", "200"]);
    expect(raw(server.messages)).toEqual([own]);
    expect(server.refusals).toEqual([]);
    expect(server.input.stats?.()).toEqual({
      figures: { replaysLeftOut: 1 },
      lines: ["1 replays left out"],
      missing: { "copies refused": 0 },
    });
  });

  it("sent one byte at a time, pipelined, and over a kept connection arrive in order", async () => {
    const server = await rig();
    const client = new Client(server.port);
    const texts = [1, 2, 3].map(
      (n) => `POST /${n} HTTP/1.1\r\nHost: s\r\nContent-Length: 2\r\n\r\nab`,
    );
    client.socket.write(texts.join(""));
    expect(await client.statuses(3)).toEqual(["200", "200", "200"]);
    client.socket.setNoDelay(true);
    for (const byte of "GET /4 HTTP/1.1\r\nHost: s\r\n\r\n") client.socket.write(byte);
    await client.statuses(4);
    expect(raw(server.messages)).toEqual([...texts, "GET /4 HTTP/1.1\r\nHost: s\r\n\r\n"]);
    expect(new Set(server.messages.map(({ id }) => id)).size).toBe(4);
  });

  it("say 100 to those who ask before they send", async () => {
    const server = await rig();
    const client = new Client(server.port);
    client.socket.write(
      "PUT / HTTP/1.1\r\nHost: s\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n",
    );
    expect(await client.statuses(1)).toEqual(["100"]);
    client.socket.write("ab");
    expect(await client.statuses(2)).toEqual(["100", "200"]);
    expect(raw(server.messages)[0]).toContain("Expect: 100-continue\r\n");
  });
});

describe("refusals", () => {
  it("answer a body beyond the limit with 413, count it, and go on", async () => {
    const server = await rig(10);
    const client = new Client(server.port);
    client.socket.write(
      `POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 500000\r\n\r\n${"x".repeat(500_000)}`,
    );
    client.socket.write(
      "POST / HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n",
    );
    client.socket.write("POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 10\r\n\r\n0123456789");
    expect(await client.statuses(3)).toEqual(["413", "413", "200"]);
    expect(server.refusals).toEqual(["body-too-large", "body-too-large"]);
    expect(server.input.stats?.().missing).toEqual({ "copies refused": 2 });
    expect(server.messages).toHaveLength(1);
  });

  it("answer what is not HTTP, and tunnels, with 400", async () => {
    const server = await rig();
    for (const [words, reason] of [
      ["\u0016\u0003\u0001\u0000", "malformed"],
      ["CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n", "connect-method"],
    ] as const) {
      const client = new Client(server.port);
      client.socket.write(words);
      expect(await client.statuses(1)).toEqual(["400"]);
      expect(server.refusals.splice(0)).toEqual([reason]);
    }
    expect(server.messages).toHaveLength(0);
  });

  it("count an upload that breaks off", async () => {
    const server = await rig();
    const client = new Client(server.port);
    client.socket.write("POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 9\r\n\r\nabc");
    await once(client.socket, "connect");
    client.socket.end(() => client.socket.destroy());
    await expect.poll(() => server.refusals, POLL).toEqual(["aborted-upload"]);
    expect(server.messages).toHaveLength(0);
  });
});

describe("back-pressure", () => {
  it("holds the answer until the copy is in the pipeline, and says 503 when it stays full", async () => {
    const server = await rig();
    let open = (): void => {};
    server.gate = new Promise((resolve) => (open = resolve));
    const first = new Client(server.port);
    first.socket.write("GET /1 HTTP/1.1\r\nHost: s\r\n\r\n");
    // Accepted: the promise asks to wait before the next.
    expect(await first.statuses(1)).toEqual(["200"]);
    const late = new Client(server.port);
    late.socket.write("GET /2 HTTP/1.1\r\nHost: s\r\n\r\n");
    expect(await late.statuses(1)).toEqual(["503"]);
    expect(late.answer).toMatch(/retry-after: 1/i);
    expect(server.refusals).toEqual(["busy"]);
    const held = new Client(server.port);
    held.socket.write("GET /3 HTTP/1.1\r\nHost: s\r\n\r\n");
    await once(held.socket, "connect");
    server.gate = undefined;
    open();
    expect(await held.statuses(1)).toEqual(["200"]);
    expect(server.messages.map(({ http }) => http.head)).toMatchObject([
      { target: "/1" },
      { target: "/3" },
    ]);
  });

  it("stops with every copy that was answered in the pipeline", async () => {
    const server = await rig();
    let open = (): void => {};
    server.gate = new Promise((resolve) => (open = resolve));
    const client = new Client(server.port);
    client.socket.write("GET /1 HTTP/1.1\r\nHost: s\r\n\r\n");
    await client.statuses(1);
    const waiting = new Client(server.port);
    waiting.socket.write("GET /2 HTTP/1.1\r\nHost: s\r\n\r\n");
    await once(waiting.socket, "connect");
    const stopped = server.input.stop();
    server.gate = undefined;
    open();
    await stopped;
    await once(waiting.socket, "close");
    const answered = [client, waiting].filter(({ answer }) => answer.includes("200 OK")).length;
    expect(server.messages).toHaveLength(answered);
  });
});

describe("the dummy", () => {
  it("makes gor's request and response every second", async () => {
    const parts: Pick<Rig, "messages" | "refusals" | "gate"> = {
      messages: [],
      refusals: [],
      gate: undefined,
    };
    const input = (await inputDummy.load({})).create(context(parts), "anything", {});
    await input.start();
    await expect.poll(() => parts.messages.length, POLL).toBeGreaterThanOrEqual(4);
    await input.stop();
    const [request, response, next] = parts.messages;
    expect(raw(parts.messages.slice(0, 2))).toEqual([
      "GET / HTTP/1.1\r\nHost: www.w3.org\r\nUser-Agent: Go 1.1 package http\r\nAccept-Encoding: gzip\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    ]);
    expect(request).toMatchObject({
      kind: 1,
      latencyNs: -1,
      id: expect.stringMatching(/^[\da-f]{24}$/),
    });
    expect(response).toMatchObject({ kind: 2, latencyNs: 1, id: request?.id });
    expect(response?.startedAt).toBe(BigInt(Number(request?.startedAt)) * 1000n + 1n);
    expect(next?.id).not.toBe(request?.id);
  });
});
