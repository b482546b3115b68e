// Captures made to hurt, through the real command: each is counted by name, memory stays bounded, what else was captured is delivered.
import { spawn } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { enhancedPacket, ethernet, interfaceBlock, pcap, sectionHeader, words } from "../../server/test/packet-kit.ts"; // prettier-ignore
import { Wire, captureFile } from "../../server/test/pcap-kit.ts";
import type { Conversation } from "../../server/test/pcap-kit.ts";
import { root } from "./processes.ts";

interface Case {
  readonly what: string;
  readonly file: () => Uint8Array;
  readonly ending?: "pcapng";
  /** Targets of the requests that must come out. */
  readonly out: readonly string[];
  /** What standard error must say. */
  readonly says: readonly RegExp[];
  /** 1: something was lost, or it cannot be read at all. */
  readonly code?: 1;
  /** Megabytes of memory beside those of the bare command. */
  readonly memoryMb?: number;
}

/** What the command takes without any traffic to speak of: 75 to 85 MB here. */
const BARE_MB = 110;
/** Buffers for reading, and garbage that is not collected yet. */
const MEMORY_MB = 40;
const US_PER_SECOND = 1_000_000n;

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`;
const chunked = "POST /chunked HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n";
const endless = "POST /endless HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9000000000000\r\n\r\n";

/** Bytes without a pattern that anything could take for its own; the same each time. */
function garbage(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed;
  for (let at = 0; at < length; at += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

/** A good exchange, whatever `act` does, and a good exchange again; the connection that `act` is given has another one behind it. */
function around(act: (wire: Wire, evil: Conversation) => void, same = true): Buffer {
  const wire = new Wire();
  wire.exchange("/before");
  const evil = wire.connect();
  act(wire, evil);
  if (same) evil.client(get("/same"));
  evil.close();
  wire.exchange("/after");
  return wire.bytes();
}

/** The same packets in a pcapng file, with something in the middle. */
function pcapng(inTheMiddle: readonly Uint8Array[]): Buffer {
  const [first, second] = [new Wire(), new Wire()];
  first.exchange("/before");
  for (let skipped = 0; skipped < 100; skipped += 1) second.connect(false);
  second.exchange("/after");
  const blocks = ({ packets }: Wire): Buffer[] =>
    packets.map(({ bytes, seconds = 0, fraction = 0 }) =>
      enhancedPacket(true, 0, BigInt(seconds) * US_PER_SECOND + BigInt(fraction), bytes),
    );
  const opening = [sectionHeader(true), interfaceBlock(true, 101)];
  return Buffer.concat([...opening, ...blocks(first), ...inTheMiddle, ...blocks(second)]);
}

const cases: readonly Case[] = [
  {
    what: "a header of 1 MB",
    file: () =>
      around((_, evil) => {
        evil.client("GET /huge HTTP/1.1\r\nHost: a.test\r\nX-Huge: ");
        for (let sent = 0; sent < 1024; sent += 1) evil.client("a".repeat(1024));
        evil.client("\r\n\r\n");
      }),
    out: ["/before", "/same", "/after"],
    says: [/ambiguous: head-bytes 1;/, /not whole: fault 1;/, /not HTTP: after-fault 98\d{4}\b/],
  },
  {
    what: "100,000 half-open connections",
    file: () =>
      around((wire) => {
        for (let opened = 0; opened < 100_000; opened += 1) wire.connect(false).syn();
      }),
    out: ["/before", "/same", "/after"],
    says: [/10000\d connections; handshakes evicted [1-9]\n/, /nothing was lost/],
    // About 700 bytes each.
    memoryMb: 100,
  },
  {
    what: "120,000 open connections that say nothing",
    file: () =>
      around((wire) => {
        for (let opened = 0; opened < 120_000; opened += 1) wire.connect();
      }),
    out: ["/before", "/same", "/after"],
    // The connection that had been quiet for longest goes first; what it says later is taken up in the middle.
    says: [/12000\d connections; evicted 2000\d\n/, /nothing was lost/],
    memoryMb: 100,
  },
  {
    what: "segments that contradict each other",
    file: () =>
      around((_, evil) => {
        evil.client("/first HTTP/1.1\r\nHost: good\r\n\r\n", 4);
        evil.client("/other HTTP/1.1\r\nHost: evil\r\n\r\n", 4);
        evil.client("GET ", 0);
      }),
    out: ["/before", "/first", "/same", "/after"],
    says: [/overlap conflicts 1/, /duplicate 31 /],
  },
  {
    what: "a chunk size of 20 digits",
    file: () =>
      around((_, evil) => evil.client(`${chunked}${"0".repeat(19)}5\r\nhello\r\n0\r\n\r\n`)),
    out: ["/before", "/same", "/after"],
    says: [/ambiguous: chunk-size-digits 1;/, /ambiguous: after-fault 1;/],
  },
  {
    what: "a chunk size beyond what a number holds",
    file: () => around((_, evil) => evil.client(`${chunked}fffffffffffffff0\r\nhello\r\n`)),
    out: ["/before", "/same", "/after"],
    says: [/ambiguous: chunk-size-overflow 1;/],
  },
  {
    what: "a body of 96 MB that never completes",
    file: () =>
      around((_, evil) => {
        evil.client(endless);
        for (let sent = 0; sent < 1600; sent += 1) evil.client(Buffer.alloc(60_000, 0x78));
      }, false),
    out: ["/before", "/after"],
    says: [/truncated 1;/, /not whole: fin 1/, /evicted 96000\d{3}\b/],
    // 32 MB of a body are kept until it is given up.
    memoryMb: 60,
  },
  {
    what: "100 MB in 20,000 bodies that never complete",
    file: () =>
      around((wire) => {
        for (let opened = 0; opened < 20_000; opened += 1) {
          wire.connect(false).client(endless + "x".repeat(5000));
        }
      }),
    out: ["/before", "/same", "/after"],
    says: [
      /not whole: capture-end 20000/,
      /not everything was there: messages under way when the capture ended 20000$/m,
    ],
    code: 1,
    // Held in pieces of twice 6 KB with what describes them, and given up one by one when the capture ends.
    memoryMb: 220,
  },
  {
    what: "a hole that is never filled, with 3 MB behind it",
    file: () =>
      around((_, evil) => {
        evil.client("GET /hole");
        evil.skip(10);
        for (let sent = 0; sent < 100; sent += 1) evil.client(Buffer.alloc(30_000, 0x78));
        evil.client("\n");
      }),
    out: ["/before", "/same", "/after"],
    says: [
      / holes 1/,
      / lost 10 /,
      /not HTTP: broken-start 9/,
      /not HTTP: resync 30000\d\d/,
      /not everything was there: bytes not captured 10$/m,
    ],
    code: 1,
  },
  {
    what: "a stream of garbage",
    file: () =>
      around((_, evil) => {
        for (let sent = 0; sent < 200; sent += 1) evil.client(garbage(1000, sent));
        evil.client("\n");
      }),
    out: ["/before", "/same", "/after"],
    says: [/not HTTP: not-http 20\d{4}\b/, /ambiguous: after-fault 1/],
  },
  {
    what: "a thousand packets of garbage",
    file: () =>
      around((wire) => {
        for (let sent = 0; sent < 1000; sent += 1) wire.add(garbage(10 + (sent % 900), sent));
      }),
    out: ["/before", "/same", "/after"],
    says: [/not TCP: malformed 1000$/m],
  },
  {
    what: "a capture that ends inside a packet",
    file: () => around(() => {}).subarray(0, -40),
    out: ["/before", "/same", "/after"],
    says: [/ends inside a packet/, /lost 1: damaged-capture 1/],
    code: 1,
  },
  {
    what: "a packet of 4 GB",
    file: () => Buffer.concat([around(() => {}), words(true, 0, 0, 0xffff_fff0, 0xffff_fff0)]),
    out: ["/before", "/same", "/after"],
    says: [
      /packet length: must be at most 16777216 bytes .*; got 4294967296/,
      /lost 1: damaged-capture 1/,
    ],
    code: 1,
  },
  {
    what: "a block of 4 GB",
    file: () => pcapng([words(true, 6, 0xffff_fffc)]),
    ending: "pcapng",
    out: ["/before"],
    says: [/block length: must be .* got 4294967292/, /lost 1: damaged-capture 1/],
    code: 1,
  },
  {
    what: "an interface of an unknown link type beside a known one",
    file: () => pcapng([interfaceBlock(true, 147), enhancedPacket(true, 1, 0n, garbage(60, 1))]),
    ending: "pcapng",
    out: ["/before", "/after"],
    says: [
      /not TCP: unknown-link-type 1$/m,
      /1 of \d+ packets could not be read: link type 147 1$/m,
      /not everything was there: packets of unknown link types 1$/m,
    ],
    code: 1,
  },
  {
    what: "VLAN tags, one, two and too many",
    file: () => {
      const wire = new Wire();
      for (const path of ["/none", "/one", "/two", "/nine"]) wire.exchange(path);
      const perExchange = wire.packets.length / 4;
      const tags = [[], [0x8100], [0x88a8, 0x8100], Array.from({ length: 9 }, () => 0x8100)];
      return pcap(
        wire.packets.map((packet, i) => ({
          ...packet,
          bytes: ethernet(packet.bytes, 0x0800, tags[Math.floor(i / perExchange)]),
        })),
      );
    },
    out: ["/none", "/one", "/two"],
    says: [
      /not TCP: too-many-vlan-tags 8$/m,
      /not everything was there: packets with too many headers 8$/m,
    ],
    code: 1,
  },
  {
    what: "a file of garbage",
    file: () => garbage(100_000, 7),
    out: [],
    says: [/cannot read .*must begin as pcap or pcapng/],
    code: 1,
  },
];

const hook = join(mkdtempSync(join(tmpdir(), "mirrorball-hook-")), "hook.cjs");
// What the kernel says of the largest memory; `resourceUsage` would tell that of who started it, too.
writeFileSync(
  hook,
  `process.on("exit", () => {
     const fs = require("node:fs");
     fs.writeSync(2, fs.readFileSync("/proc/self/status", "latin1").match(/^VmHWM.*$/m)[0] + "\\n");
   });`,
);

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function replay(path: string): Promise<Ended> {
  const command = `${root}packages/cli/bin/mirrorball.mjs`;
  const words = ["--require", hook, command, "--input-raw", `${path}:80`, "--output-stdout"];
  const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString("latin1")));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, stdout, stderr })));
}

it.each(cases)("$what", async ({ file, ending, out, says, code = 0, memoryMb = MEMORY_MB }) => {
  const { stdout, stderr, code: ended } = await replay(captureFile(file(), ending));
  expect(stderr).toMatch(/VmHWM/);
  for (const pattern of says) expect(stderr).toMatch(pattern);
  const targets = [...stdout.matchAll(/^GET (\S+) HTTP/gm)].map(([, target]) => target);
  expect(targets).toEqual(out);
  expect(ended).toBe(code);
  const largestMb = Number(/VmHWM:\s*(\d+)/.exec(stderr)?.[1]) / 1024;
  expect(largestMb).toBeLessThan(BARE_MB + memoryMb);
});
