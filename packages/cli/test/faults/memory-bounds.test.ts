// What may wait in memory is bounded, whatever comes in by whichever input: heads, pieces of one byte, bombs, peers that stop in the
// middle, to a server whose heap may have 256 MB. It lives, what it had in memory at most is bounded (buffers lie outside of the
// heap), and an honest producer beside them loses nothing.
import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, appendFileSync, writeFileSync, statSync } from "node:fs"; // prettier-ignore
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Wire } from "../../../server/test/pcap-kit.ts";
import { freePort, node } from "../processes.ts";
import { report } from "./figures.ts";
import { Producer } from "./oracle.ts";
import { running } from "./running.ts";
import type { Running } from "./running.ts";

const HEAP_MB = 256;
/** What the process had resident at most: its code, its heap and its buffers. */
const RESIDENT_MB_MAX = 400;
const PER_SECOND = 100;
const MIB = 1024 * 1024;
const SEPARATOR = "\n\u{1F435}\u{1F648}\u{1F649}\n";
const PROGRAMS = new URL("programs/", import.meta.url).pathname;
const TIMEOUT_MS = 120_000;

beforeEach(({ skip }) => skip(!existsSync("/proc/self/status"), "needs /proc"));

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

function directory(): string {
  const made = mkdtempSync(join(tmpdir(), "mirrorball-memory-"));
  closers.push(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

function mostResidentMb({ server }: Running): number {
  const status = readFileSync(`/proc/${server.child.pid}/status`, "latin1");
  return Math.round(Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024);
}

/** Runs the command with `words`, an honest producer beside, and `attack`; ends when the honest producer has been served. */
async function withstands(
  what: string,
  words: readonly string[],
  attack: (run: Running) => Promise<void>,
): Promise<void> {
  const env = { NODE_OPTIONS: `--max-old-space-size=${HEAP_MB}` };
  const run = await running("memory", { words, env });
  closers.push(() => run.close());
  const honest = new Producer(run.port, PER_SECOND);
  closers.push(() => honest.close());
  const arrived = (): number => run.target.arrived.size;
  await until(() => arrived() > 0, run);
  await attack(run);
  await honest.finish();
  await until(() => run.target.faults(honest.offered).missing.length === 0, run);
  const residentMb = mostResidentMb(run);
  const { missing, repeated, againSafe } = run.target.faults(honest.offered);
  expect([missing, repeated, againSafe]).toEqual([[], [], 0]);
  expect(honest.connections).toBe(1);
  expect(run.server.child.exitCode).toBeNull();
  report(`memory: ${what}`, { "resident MB": residentMb, "honest served": honest.offered });
  expect(residentMb).toBeLessThanOrEqual(RESIDENT_MB_MAX);
}

async function until(condition: () => boolean, { server }: Running): Promise<void> {
  while (!condition()) {
    if (server.child.exitCode !== null || server.child.signalCode !== null) {
      throw new Error(`the server ended: ${server.out.stderr.slice(-2000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Starts hostile peers of these kinds, one after the other, and waits for the end of each. */
async function peers(run: Running, port: number, ...kinds: string[]): Promise<void> {
  for (const kind of kinds) {
    const peer = node([`${PROGRAMS}hostile-peer.mjs`, kind, String(port)]);
    closers.push(() => peer.child.kill("SIGKILL"));
    let ended = false;
    void peer.ended.then(() => (ended = true));
    await until(() => ended, run);
    expect([kind, peer.child.exitCode, peer.out.stderr]).toEqual([kind, 0, ""]);
  }
}

it("frames", { timeout: TIMEOUT_MS }, async () => {
  await withstands("frames", [], async (run) => {
    const kinds = ["heads", "small-heads", "tiny-records", "half-frames", "half-greetings"];
    await peers(run, run.port, ...kinds);
  });
});

it("gor's stream", { timeout: TIMEOUT_MS }, async () => {
  await withstands("gor's stream", [], async (run) => {
    await peers(run, run.port, "gor-endless", "gor-stalled", "gor-bytes");
  });
});

it("uploads", { timeout: TIMEOUT_MS }, async () => {
  const port = await freePort();
  await withstands("uploads", ["--input-http", `127.0.0.1:${port}`], async (run) => {
    let served = 0;
    const over = new AbortController();
    const post = async (): Promise<void> => {
      while (!over.signal.aborted) {
        const init = { method: "POST", body: "x".repeat(500), headers: { "x-id": "0" } };
        const { status } = await fetch(`http://127.0.0.1:${port}/`, init);
        expect(status).toBe(200);
        served += 1;
      }
    };
    // Its connection is open before the others come: how many may come is a bound of its own.
    const posting = post();
    await until(() => served > 0, run);
    await peers(run, port, "http-tiny-chunks", "http-stalled", "http-heads");
    over.abort();
    await posting;
  });
});

/** A recording of a few kilobytes a record when packed, of which each is large. */
function bombs(compressed: boolean): string {
  const head = "POST /hostile HTTP/1.1\r\nHost: a\r\nX-Id: 0\r\nContent-Length:";
  const path = join(directory(), compressed ? "bomb.gor.gz" : "bomb.gor");
  const small = `1 bb 1700000000000000000 1\nGET / HTTP/1.1\r\nHost: a\r\nX-Id: 0\r\n\r\n${SEPARATOR}`;
  const large = `1 aa 1700000000000000000 1\n${head} ${24 * MIB}\r\n\r\n`;
  if (compressed) {
    const member = gzipSync(Buffer.concat([Buffer.from(large), Buffer.alloc(24 * MIB), Buffer.from(SEPARATOR)])); // prettier-ignore
    const blanks = gzipSync(Buffer.alloc(64 * MIB, 0x61));
    const opening = gzipSync(`1 cc 1700000000000000000 1\n${head} ${20 * 64 * MIB}\r\n\r\n`);
    const endless = [opening, ...Array.from({ length: 20 }, () => blanks), gzipSync(SEPARATOR)];
    const many = gzipSync(small.repeat(20_000));
    const bytes = Buffer.concat([many, ...Array.from({ length: 12 }, () => member), ...endless, many]); // prettier-ignore
    writeFileSync(path, bytes);
    expect(bytes.length).toBeLessThan(4 * MIB);
    return path;
  }
  // Holes cost the disk nothing.
  const hole = (bytes: number): void => truncateSync(path, statSync(path).size + bytes);
  writeFileSync(path, small.repeat(1000));
  for (let record = 0; record < 12; record += 1) {
    appendFileSync(path, large);
    hole(24 * MIB);
    appendFileSync(path, SEPARATOR);
  }
  appendFileSync(path, `1 cc 1700000000000000000 1\n${head} ${1024 * MIB}\r\n\r\n`);
  hole(1024 * MIB);
  appendFileSync(path, SEPARATOR + small);
  return path;
}

it.each([
  ["a recording", false],
  ["a packed recording", true],
])("%s", { timeout: TIMEOUT_MS }, async (what, compressed) => {
  const path = bombs(compressed);
  const depth = ["--input-file-read-depth", "1000"];
  const words = ["--input-file", path, "--input-file-speed", "max", ...depth];
  await withstands(what, words, async (run) => {
    // The one that is too large is told of, and what stands behind it is delivered.
    await run.server.printed(/too large/);
    const last = compressed ? 40_012 : 1013;
    await until(() => (run.target.arrived.get(0) ?? 0) >= last, run);
  });
});

/** Connections that hold what they can: segments behind holes, heads and bodies without an end, chunks of a byte. */
function capture(): string {
  const path = join(directory(), "hostile.pcap");
  const wire = new Wire();
  const filler = Buffer.alloc(32_000, 0x61);
  for (let connection = 0; connection < 300; connection += 1) {
    const evil = wire.connect();
    const kind = connection % 4;
    if (kind === 0) evil.client("GET / HTTP/1.1\r\nHost: a\r\nX-A: ");
    else if (kind === 1) evil.client("POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n");
    else if (kind === 2) evil.client("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (let piece = 0; piece < 20; piece += 1) {
      if (kind === 3) evil.client(filler, 1000 + piece * 40_000);
      else evil.client(kind === 2 ? "1\r\na\r\n".repeat(5000) : filler);
    }
  }
  wire.exchange("/after");
  writeFileSync(path, wire.bytes());
  return path;
}

it("a capture", { timeout: TIMEOUT_MS }, async () => {
  const words = ["--input-raw", `${capture()}:80`, "--input-raw-engine", "pcap_file"];
  await withstands("a capture", words, async (run) => {
    // Nothing of it has an id; the last one is a good exchange.
    await until(() => (run.target.arrived.get(Number.NaN) ?? 0) >= 1, run);
  });
});

it("what a middleware prints", { timeout: TIMEOUT_MS }, async () => {
  const words = ["--middleware", `${process.execPath} ${PROGRAMS}hostile-middleware.mjs`];
  await withstands("a middleware", words, async (run) => {
    await run.server.printed(/misbehaved/);
  });
});

/** A target whose answers do not end, each in another way. */
async function hostileTarget(): Promise<string> {
  const chunks = "1\r\na\r\n".repeat(10_000);
  const openings = [
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunks],
    ["HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", "a".repeat(65_536)],
    ["HTTP/1.1 200 OK\r\nX-A: ", "a".repeat(65_536)],
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "a: b\r\n".repeat(10_000)],
    ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n".repeat(1000)],
  ] as const;
  const sockets = new Set<Socket>();
  let count = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    const [opening, more] = openings[count % openings.length] ?? openings[0];
    count += 1;
    socket.once("data", () => {
      socket.write(opening);
      const go = (): void => {
        while (!socket.destroyed && socket.write(more));
      };
      socket.on("drain", go);
      go();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it("answers that are tracked", { timeout: TIMEOUT_MS }, async () => {
  const target = await hostileTarget();
  const queue = ["--output-http-queue-full", "drop", "--output-http-timeout", "2s"];
  const words = [
    "--output-http",
    target,
    "--output-http-track-response",
    ...queue,
    "--output-null",
  ];
  await withstands("answers", words, async (run) => {
    const before = run.target.arrived.size;
    await until(() => run.target.arrived.size > before + 6 * PER_SECOND, run);
  });
});
