// What a replay server can be, beside well: absent, stopped, hostile, back again. The host's answers stay the same, memory stays
// within its bound, and every exchange is accounted for.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer as createHttpServer, Agent, request } from "node:http";
import type { ServerResponse } from "node:http";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { EXCHANGE_AT, LOSS_AT, RecordType } from "@mirrorball/protocol";
import { createMirror } from "@mirrorball/sdk";
import type { Mirror, MirrorOptions } from "@mirrorball/sdk";
import { afterEach, describe, expect, it } from "vitest";
import { ABSENT, ATTACKS, hostile, stopped } from "./server-states.ts";
import { serve } from "./service.ts";
import { Sink } from "./sink.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const BUFFER_BYTES = 256 * 1024;
const REQUESTS = 300;

async function service(
  server: string,
  options: MirrorOptions = {},
): Promise<{ tee: Mirror; port: number; lines: string[] }> {
  const bounded = { server, maxBufferBytes: BUFFER_BYTES, ...options };
  return await serve({ createMirror, closers, options: bounded });
}

/** Posts 1 KB `count` times; every answer must be its echo. */
async function load(port: number, count: number, tee?: Mirror): Promise<void> {
  const agent = new Agent({ keepAlive: true });
  for (let i = 0; i < count; i += 1) {
    const body = Buffer.alloc(1024, i);
    const req = request({
      port,
      host: "127.0.0.1",
      method: "POST",
      agent,
      headers: { "Content-Length": 1024 },
    });
    req.end(body);
    const [res] = (await once(req, "response")) as [AsyncIterable<Buffer>];
    const chunks: Buffer[] = [];
    for await (const chunk of res) chunks.push(chunk);
    if (!Buffer.concat(chunks).equals(body)) throw new Error(`answer ${i} differs`);
    if (tee !== undefined) consistent(tee);
  }
  agent.destroy();
}

function consistent(tee: Mirror): void {
  const { offered, acked, buffered, dropped, bufferedBytes } = tee.stats();
  const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
  if (offered !== acked + buffered + lost)
    throw new Error(`${offered} != ${acked} + ${buffered} + ${lost}`);
  if (bufferedBytes > BUFFER_BYTES) throw new Error(`${bufferedBytes} bytes are held`);
}

describe("a replay server that is", () => {
  it("absent: drops are counted, memory is bounded", async () => {
    const { tee, port, lines } = await service(ABSENT);
    await load(port, REQUESTS, tee);
    expect(tee.stats().offered).toBe(REQUESTS);
    expect(tee.stats().dropped["buffer-full"]).toBeGreaterThan(0);
    expect(lines.length).toBeLessThanOrEqual(3);
  });

  it("stopped (SIGSTOP): the same", async () => {
    const place = await stopped();
    closers.push(place.close);
    const { tee, port } = await service(place.address);
    await load(port, REQUESTS, tee);
    expect(tee.stats()).toMatchObject({ offered: REQUESTS, acked: 0 });
    expect(tee.stats().dropped["buffer-full"]).toBeGreaterThan(0);
  });

  it.each(ATTACKS)("hostile, %s: the same", async (...attack) => {
    const place = await hostile([attack]);
    closers.push(place.close);
    const { tee, port } = await service(place.address);
    await load(port, 100, tee);
    expect(tee.stats()).toMatchObject({ offered: 100, acked: 0 });
  });

  it("back again: what was kept is sent, once", async () => {
    const first = await Sink.listen();
    const { port: listening } = first;
    const { tee, port } = await service(first.address);
    await load(port, 10, tee);
    await first.exchanges(10);
    first.close();
    await load(port, 10, tee);
    const second = await Sink.listen({ port: listening });
    closers.push(() => second.close());
    await second.exchanges(10);
    const { offered, acked } = await tee.close();
    expect([offered, acked]).toEqual([20, 20]);
    expect(new Set([...first.whole, ...second.whole].map((record) => record[1])).size).toBe(20);
  });

  it("second in the list, when the first is absent", async () => {
    const sink = await Sink.listen();
    closers.push(() => sink.close());
    const { tee, port } = await service("", { server: ["127.0.0.1:1", sink.address] });
    await load(port, 5);
    await sink.exchanges(5);
    expect(tee.stats().server).toBe(sink.address);
  });

  it("on a Unix socket, with a token", async () => {
    const sink = await Sink.listen({ token: "secret, quite secret" });
    closers.push(() => sink.close());
    const { tee, port } = await service(sink.address, { token: "secret, quite secret" });
    await load(port, 3);
    await sink.exchanges(3);
    const wrong = await service(sink.address, { token: "another, quite secret" });
    await load(wrong.port, 3);
    expect((await tee.close()).acked).toBe(3);
    expect((await wrong.tee.close({ timeoutMs: 100 })).acked).toBe(0);
    expect(wrong.lines.join("\n")).toMatch(/token/);
  });
});

describe("each cause of trouble", () => {
  it("is logged at once when it is new, whatever was logged just before", async () => {
    const sink = await Sink.listen({ token: "secret, quite secret" });
    closers.push(() => sink.close());
    const { port, lines } = await service("", {
      server: ["127.0.0.1:1", sink.address],
      token: "another, quite secret",
    });
    await load(port, 1);
    await expect.poll(() => lines.join("\n"), { timeout: 20_000 }).toMatch(/token-differs/);
    expect(lines.filter((line) => line.includes("ECONNREFUSED"))).toHaveLength(1);
    expect(lines.filter((line) => line.includes("token-differs"))).toHaveLength(1);
  });
});

describe("requests that make odd records", () => {
  it("of hundreds of empty fields reach the server, and so does what comes behind them", async () => {
    const sink = await Sink.listen();
    closers.push(() => sink.close());
    const { tee, port } = await service(sink.address);
    // Node takes a thousand; newer lines refuse more.
    for (const lines of [400, 990]) {
      const socket = connect(port, "127.0.0.1");
      socket.write(
        `GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n${"a:\r\n".repeat(lines)}\r\n`,
      );
      await once(socket.resume(), "close");
    }
    await load(port, 20);
    const whole = await sink.exchanges(22);
    const most = Math.max(...whole.map((record) => record[EXCHANGE_AT.headers].length));
    expect(most).toBeGreaterThan(1900);
    expect((await tee.close()).acked).toBe(22);
  });
});

describe("losses", () => {
  it("are told to the server within a second, without an exchange to go with them", async () => {
    const sink = await Sink.listen();
    closers.push(() => sink.close());
    const { port } = await service(sink.address, {
      filter: () => {
        throw new Error("no");
      },
      onCallbackError: "drop",
    });
    await load(port, 3);
    const told = await sink.until((records) => {
      const losses = records.filter((record) => record[0] === RecordType.loss);
      const count = losses.reduce((sum, record) => sum + record[LOSS_AT.count], 0);
      return count === 3 ? losses : undefined;
    });
    expect(told[0]?.[LOSS_AT.reason]).toBe("filter-threw");
  });

  it("are told with the goodbye when they are made by it", async () => {
    const sink = await Sink.listen();
    closers.push(() => sink.close());
    const held: ServerResponse[] = [];
    const tee = createMirror({ server: sink.address, log: () => {} });
    const server = tee.attach(createHttpServer((_req, res) => void held.push(res)));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closers.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    const socket = connect(port, "127.0.0.1").on("error", () => {});
    socket.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    await expect.poll(() => tee.stats().connected && held.length === 1).toBe(true);
    const stats = await tee.close({ timeoutMs: 0 });
    socket.destroy();
    expect(stats.dropped).toEqual({ shutdown: 1 });
    await sink.until((records) =>
      records.find((record) => record[0] === RecordType.loss || record[0] === RecordType.abandon),
    );
  });
});

describe("the end of the process", () => {
  const program = `
    import { createServer } from "node:http";
    import { createMirror } from "@mirrorball/sdk";
    const tee = createMirror({ log: () => {} });
    const server = tee.attach(createServer((req, res) => res.end("x")));
    server.listen(0, "127.0.0.1", async () => {
      const ask = async () => (await fetch("http://127.0.0.1:" + server.address().port, { headers: { connection: "close" } })).text();
      await ask();
      while (process.env.WAIT_FOR_SERVER && !tee.stats().connected) await new Promise((resolve) => setTimeout(resolve, 1));
      await ask();
      server.close();
      process.exitCode = 7;
    });`;

  async function run(env: Record<string, string>, text = program): Promise<number | null> {
    const child = spawn(process.execPath, ["--input-type=module", "-e", text], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: "inherit",
    });
    const [code] = (await once(child, "exit")) as [number | null];
    return code;
  }

  it("is not held up, and its code is its own, without a server", async () => {
    expect(await run({ MIRRORBALL_SERVER: "127.0.0.1:1" })).toBe(7);
  });

  it("by process.exit sends what needs no waiting, and says goodbye", async () => {
    const sink = await Sink.listen();
    closers.push(() => sink.close());
    const exits = program.replace("process.exitCode = 7;", "process.exit(9);");
    expect(await run({ MIRRORBALL_SERVER: sink.address, WAIT_FOR_SERVER: "1" }, exits)).toBe(9);
    await sink.exchanges(1);
    await expect.poll(() => sink.goodbyes).toBe(1);
  });

  it("sends what is left first, with one", async () => {
    const sink = await Sink.listen();
    closers.push(() => sink.close());
    // A process that ends before its mirror is connected is held up for a moment only.
    const env = { MIRRORBALL_SERVER: sink.address, WAIT_FOR_SERVER: "1" };
    expect(await run(env)).toBe(7);
    expect(sink.whole).toHaveLength(2);
  });
});
