// A gor on the same port as mirrorball's own protocol: recorded streams of a real one, and streams that break the rules.
import { once } from "node:events";
import { mkdtempSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import type { Message } from "@mirrorball/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { certificate } from "../../test/certificate.ts";
import { freePort, get, receive, responseTo, run } from "../../test/kit.ts";
import type { Receiver } from "../../test/kit.ts";
import type { InputContext } from "../component/types.ts";
import { encodeRecords } from "../core/record/encode.ts";
import { inputTcp } from "./tcp.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const POLL = { timeout: 20_000 };
const SEPARATOR = "\n🐵🙈🙉\n";
const FIXTURES = new URL("../../test/fixtures/", import.meta.url);

async function server(...flags: string[]): Promise<Receiver & { port: number }> {
  const port = await freePort();
  const made = await receive("--input-tcp", `127.0.0.1:${port}`, ...flags);
  closers.push(() => made.server.stop());
  return { ...made, port };
}

async function dial(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  closers.push(() => socket.destroy());
  await once(socket, "connect");
  return socket.resume();
}

const record = (id: string, payload = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"): string =>
  `1 ${id} 1732406400123456789 -1\n${payload}${SEPARATOR}`;
const ids = (messages: readonly Message[]): string[] => messages.map(({ id }) => id);
const input = ({
  server,
}: Receiver): ReturnType<typeof server.counters>["inputs"][number] | undefined =>
  server.counters().inputs[0];

function recordedStreams(): Buffer[] {
  const folder = new URL("shop.output-tcp/", FIXTURES);
  return readdirSync(folder).map((name) => readFileSync(new URL(name, folder)));
}

describe("a gor", () => {
  for (const [how, size] of [
    ["whole", Number.POSITIVE_INFINITY],
    ["in pieces of 1000 bytes", 1000],
  ] as const) {
    it(`that sent the recorded streams, ${how}, is understood to the byte`, async () => {
      const made = await server();
      const streams = recordedStreams();
      await Promise.all(
        streams.map(async (stream) => {
          const socket = await dial(made.port);
          for (let at = 0; at < stream.length; at += size) {
            socket.write(stream.subarray(at, at + size));
            if (size < stream.length) await new Promise((resolve) => setImmediate(resolve));
          }
        }),
      );
      await expect.poll(() => made.collected.length, POLL).toBe(48);
      const expected = streams.flatMap((stream) =>
        stream.toString("latin1").split(Buffer.from(SEPARATOR).toString("latin1")).slice(0, -1),
      );
      const got = made.collected.map((message) =>
        encodeRecords([message]).toString("latin1").slice(0, -14),
      );
      expect(got.toSorted()).toEqual(expected.toSorted());
      expect(input(made)).toMatchObject({ emitted: 48, dropped: {}, refused: {} });
    });
  }

  it("may be silent, then speak, beside producers that speak frames", async () => {
    const made = await server();
    const early = await Promise.all(Array.from({ length: 10 }, () => dial(made.port)));
    await run([get("/frames")], ["--output-tcp", `127.0.0.1:${made.port}`]);
    // Longer than a stranger would be left alone.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    for (const [i, socket] of early.entries()) socket.write(record(`id${i}`));
    await expect.poll(() => made.collected.length, POLL).toBe(11);
    expect(input(made)?.refused).toEqual({});
  });

  it("loses exactly the LF of the separator, not those of its bodies", async () => {
    const made = await server();
    const socket = await dial(made.port);
    socket.write(record("a", "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n\n\n"));
    await expect.poll(() => made.collected.length, POLL).toBe(1);
    expect(Buffer.from(made.collected[0]?.http.raw ?? []).toString()).toBe(
      "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n\n\n",
    );
  });

  it("has replays left out, unless told not to", async () => {
    const marked = record("a", "GET / HTTP/1.1\r\nX-Mirrorball-Replay: 1\r\n\r\n");
    const [guarded, open] = [await server(), await server("--no-loop-guard")];
    for (const { port } of [guarded, open]) (await dial(port)).write(marked + record("b"));
    await expect.poll(() => ids(open.collected), POLL).toEqual(["a", "b"]);
    await expect.poll(() => ids(guarded.collected), POLL).toEqual(["b"]);
    expect(input(guarded)?.stats.figures).toEqual({ replaysLeftOut: 1 });
    expect(guarded.server.counters().lost).toBe(0);
  });

  it("speaks over TLS too", async () => {
    const folder = mkdtempSync(join(tmpdir(), "mirrorball-"));
    writeFileSync(join(folder, "cert.pem"), certificate.cert);
    writeFileSync(join(folder, "key.pem"), certificate.key);
    const made = await server("--input-tcp-secure", "--input-tcp-certificate", join(folder, "cert.pem"), "--input-tcp-certificate-key", join(folder, "key.pem")); // prettier-ignore
    const socket = connectTls({ port: made.port, host: "127.0.0.1", rejectUnauthorized: false });
    closers.push(() => socket.destroy());
    socket.write(record("tls"));
    await expect.poll(() => ids(made.collected), POLL).toEqual(["tls"]);
  });

  it("that is no gor after a good start costs its bad records, counted, and no others", async () => {
    const made = await server();
    const socket = await dial(made.port);
    socket.write(
      `${record("a")}nonsense${SEPARATOR}${record("b")}1 empty 1 1\n${SEPARATOR}${record("c")}1 cut 1 1\nGET / HT`,
    );
    await expect.poll(() => ids(made.collected), POLL).toEqual(["a", "b", "c"]);
    socket.end();
    await expect
      .poll(() => input(made)?.dropped, POLL)
      .toEqual({ "bad-record": 1, "empty-record": 1, "cut-off-record": 1 });
    expect(made.server.counters().lost).toBe(3);
  });

  it("whose record never ends is skipped at the bound and heard again behind it", async () => {
    const made = await server();
    const socket = await dial(made.port);
    socket.write("1 endless 1 1\n");
    const block = Buffer.alloc(1024 * 1024, "x");
    for (let i = 0; i < 66; i += 1) if (!socket.write(block)) await once(socket, "drain");
    socket.write(`${SEPARATOR}${record("after")}`);
    await expect.poll(() => ids(made.collected), POLL).toEqual(["after"]);
    expect(input(made)?.dropped).toEqual({ "oversized-record": 1 });
  });

  it("is held back while the pipeline is full, and loses nothing", async () => {
    const port = await freePort();
    const messages: Message[] = [];
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => (open = resolve));
    let emitted = 0;
    const context: InputContext = {
      name: "input-tcp",
      speed: 1,
      stdout: { write: async () => undefined },
      loopGuard: true,
      emit: (batch) => {
        messages.push(...batch);
        emitted += 1;
        return emitted === 1 ? gate : undefined;
      },
      dropped: () => {},
      refused: () => {},
      clock: { nowUs: () => 0, monotonicMs: () => performance.now() },
      log: { warn: () => {}, debug: () => {} },
    };
    const values = { secure: false, certificate: "", certificateKey: "", clientCa: "", token: "", tokenUnbound: false, connections: 8, connectionsPerAddress: 8, inFlightBytes: 64 * 1024 * 1024 }; // prettier-ignore
    const input = (await inputTcp.load(values)).create(context, `127.0.0.1:${port}`, values);
    await input.start();
    closers.push(() => input.stop());
    const socket = await dial(port);
    const body = "b".repeat(1_000_000);
    const payload = `POST / HTTP/1.1\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    socket.write(record("first"));
    await expect.poll(() => ids(messages), POLL).toEqual(["first"]);
    // More than all buffers on the way can hold: what is written stays with the writer.
    for (let i = 0; i < 40; i += 1) socket.write(record(`n${i}`, payload));
    await expect.poll(() => socket.writableLength, POLL).toBeGreaterThan(5_000_000);
    expect(messages).toHaveLength(1);
    open();
    await expect.poll(() => messages.length, POLL).toBe(41);
    expect(ids(messages).slice(1)).toEqual(Array.from({ length: 40 }, (_, i) => `n${i}`));
  });

  it("is heard to the end when the server stops", async () => {
    const made = await server();
    const socket = await dial(made.port);
    for (let i = 0; i < 2000; i += 1) socket.write(record(`n${i}`));
    await expect.poll(() => made.collected.length, POLL).toBeGreaterThan(0);
    await made.server.stop();
    expect(made.collected).toHaveLength(2000);
  });
});

it("what --output-tcp-format gor sends is what --input-tcp takes", async () => {
  const made = await server();
  const requests = Array.from({ length: 300 }, (_, i) => get(`/${i}`));
  const messages = requests.flatMap((each) => [
    each,
    responseTo(each, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
  ]);
  const { counters } = await run(messages, [
    "--output-tcp",
    `127.0.0.1:${made.port}`,
    "--output-tcp-format",
    "gor",
  ]);
  expect(counters.outputs[0]?.delivered).toBe(600);
  await expect.poll(() => made.collected.length, POLL).toBe(600);
  const key = (message: Message): string => encodeRecords([message]).toString("latin1");
  expect(made.collected.map(key).toSorted()).toEqual(messages.map(key).toSorted());
});
