// What stays in memory: nothing of Node's objects, and no more than the buffer while the server is absent. And bodies that
// must be redacted do not leave in pieces.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { RecordType } from "@mirrorball/protocol";
import { createMirror } from "@mirrorball/sdk";
import { afterEach, expect, it } from "vitest";
import { Sink } from "./sink.ts";
import { ask, talk } from "./wire.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const root = fileURLToPath(new URL("../../..", import.meta.url));
const MB = 1024 * 1024;
const BUFFER_BYTES = 8 * MB;
/** What a process may grow by beside the buffer: V8's own spaces. */
const SLACK_BYTES = 10 * MB;
const REQUESTS = process.env["MIRRORBALL_TORTURE"] === "1" ? 1_000_000 : 100_000;

/** A process that warms up without a mirror, then answers with one whose server is absent, and prints what it found. */
const program = `
  import { createServer } from "node:http";
  import { connect } from "node:net";
  import { createMirror } from "@mirrorball/sdk";
  const seen = [];
  const server = createServer((req, res) => {
    if (watching && seen.length < 1000) seen.push(new WeakRef(req), new WeakRef(res));
    res.end("x".repeat(200));
  });
  let watching = false;
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const load = (count) => new Promise((done) => {
    let open = 16;
    for (let i = 0; i < 16; i += 1) {
      const socket = connect(server.address().port, "127.0.0.1");
      const ask = () => socket.write("GET /abc HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n");
      let left = count / 16;
      socket.on("connect", ask).on("data", () => {
        left -= 1;
        if (left > 0) return ask();
        socket.destroy();
        open -= 1;
        if (open === 0) done();
      });
    }
  });
  const settle = async () => {
    for (let i = 0; i < 5; i += 1) { await new Promise((done) => setTimeout(done, 150)); gc(); }
    return process.memoryUsage().rss;
  };
  await load(16_000);
  const before = await settle();
  const tee = createMirror({ server: "127.0.0.1:1", maxBufferBytes: ${BUFFER_BYTES}, log: () => {} });
  tee.attach(server);
  watching = true;
  await load(${REQUESTS});
  const after = await settle();
  const alive = seen.filter((ref) => ref.deref() !== undefined).length;
  console.log(JSON.stringify({ grown: after - before, alive, ...tee.stats() }));
  process.exit(0);`;

it("with the server absent memory is the buffer's, and no request or response is kept", async () => {
  const child = spawn(process.execPath, ["--expose-gc", "--input-type=module", "-e", program], {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
  });
  closers.push(() => child.kill("SIGKILL"));
  let out = "";
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  await once(child, "close");
  const found = JSON.parse(out) as { grown: number; alive: number; offered: number };
  expect(found).toMatchObject({ alive: 0, offered: REQUESTS, acked: 0 });
  expect(found.grown).toBeLessThanOrEqual(BUFFER_BYTES + SLACK_BYTES);
}, 600_000);

it("a long body that must be redacted leaves not at all, though its exchange goes in pieces", async () => {
  const sink = await Sink.listen();
  closers.push(() => sink.close());
  const tee = createMirror({ server: sink.address, log: () => {}, redact: { json: ["password"] } });
  const secret = Buffer.from(`{"password":"CANARY","rest":"${"CANARY".repeat(100_000)}"}`);
  const host = createServer((req, res) => {
    res.setHeader("Content-Type", "application/json");
    req.resume().on("end", () => {
      res.write(secret.subarray(0, 300_000));
      res.end(secret.subarray(300_000));
    });
  });
  await new Promise<void>((resolve) => tee.attach(host).listen(0, "127.0.0.1", resolve));
  closers.push(
    () => host.close(),
    () => tee.close({ timeoutMs: 0 }),
  );
  const { port } = host.address() as AddressInfo;
  const fields = ["Content-Type: application/json", `Content-Length: ${secret.length}`];
  await talk(port, ask("POST /", fields), secret);
  await sink.until((records) =>
    records.find(([type]) => type === RecordType.exchange || type === RecordType.responseEnd),
  );
  expect(tee.stats().offered).toBe(1);
  for (const value of sink.records.flat()) {
    if (value instanceof Uint8Array) expect(Buffer.from(value).includes("CANARY")).toBe(false);
  }
});
