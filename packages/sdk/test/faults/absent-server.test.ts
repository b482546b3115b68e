// The server is absent for all of a process's life: its memory grows by the buffer and no more, none of Node's objects is kept,
// and what the buffer could not hold is counted.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, expect, it } from "vitest";
import { report } from "../../../cli/test/faults/figures.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const root = fileURLToPath(new URL("../../../..", import.meta.url));
const MB = 1024 * 1024;
const BUFFER_BYTES = 8 * MB;
/** What a process may grow by beside the buffer: V8's own spaces, of which newer lines of Node keep more (9 to 15 MB measured on 22). */
const SLACK_BYTES = (process.version.startsWith("v20.") ? 10 : 20) * MB;
/** What is in use may grow by beside the buffer, on every line: records that wait have heads and places, too. */
const USED_SLACK_BYTES = 6 * MB;
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
    return process.memoryUsage();
  };
  const inUse = ({ heapUsed, arrayBuffers }) => heapUsed + arrayBuffers;
  // What the SDK loads with its first mirror is code, no memory of exchanges.
  const first = createMirror({ server: "127.0.0.1:1", log: () => {} });
  first.attach(createServer());
  await first.close({ timeoutMs: 0 });
  await load(16_000);
  const before = await settle();
  const tee = createMirror({ server: "127.0.0.1:1", maxBufferBytes: ${BUFFER_BYTES}, log: () => {} });
  tee.attach(server);
  watching = true;
  await load(${REQUESTS});
  const after = await settle();
  const alive = seen.filter((ref) => ref.deref() !== undefined).length;
  console.log(JSON.stringify({ grown: after.rss - before.rss, used: inUse(after) - inUse(before), alive, ...tee.stats() }));
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
  const found = JSON.parse(out) as {
    grown: number;
    used: number;
    alive: number;
    offered: number;
    buffered: number;
    dropped: Record<string, number>;
  };
  expect(found).toMatchObject({ alive: 0, offered: REQUESTS, acked: 0 });
  expect(found.grown).toBeLessThanOrEqual(BUFFER_BYTES + SLACK_BYTES);
  expect(found.used).toBeLessThanOrEqual(BUFFER_BYTES + USED_SLACK_BYTES);
  // The fault happened: there was much more than the buffer holds.
  const dropped = Object.values(found.dropped).reduce((sum, count) => sum + count, 0);
  expect(dropped).toBeGreaterThan(REQUESTS / 2);
  expect(found.buffered + dropped).toBe(REQUESTS);
  report("memory with the server absent", {
    requests: REQUESTS,
    "buffer MB": BUFFER_BYTES / MB,
    "grown MB": found.grown / MB,
    "request objects retained": found.alive,
    buffered: found.buffered,
    "dropped and counted": dropped,
  });
}, 600_000);
