// Captures of other kinds through the real command: packed, from a FIFO, empty, in tunnels, of links that nobody reads.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { ethernet, pcap } from "../../server/test/packet-kit.ts";
import { Wire } from "../../server/test/pcap-kit.ts";
import { inUdp, outer4, join as bytesOf, vxlan } from "../../server/test/tunnel-kit.ts";
import { root } from "./processes.ts";
import { have } from "./programs.ts";

const folder = mkdtempSync(join(tmpdir(), "mirrorball-captures-"));

function stored(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

function wire(): Wire {
  const made = new Wire();
  for (const path of ["/one", "/two"]) made.exchange(path);
  return made;
}

const plain = wire().bytes();
const TARGETS = ["/one", "/two"];

interface Ended {
  readonly code: number | null;
  readonly targets: string[];
  readonly stderr: string;
}

function replay(address: string, feed?: Uint8Array): Promise<Ended> {
  const command = `${root}packages/cli/bin/mirrorball.mjs`;
  const words = [command, "--input-raw", address, "--output-stdout"];
  const child = spawn(process.execPath, words, { stdio: ["pipe", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString("latin1")));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  // It may be gone before it has read everything.
  child.stdin.on("error", () => {});
  child.stdin.end(feed);
  return new Promise((resolve) =>
    child.once("close", (code) => {
      const targets = [...stdout.matchAll(/^GET (\S+) HTTP/gm)].map(([, target]) => target ?? "");
      resolve({ code, targets, stderr });
    }),
  );
}

describe("a packed capture", () => {
  const packed = gzipSync(plain);

  it.each<[string, () => Promise<Ended>]>([
    ["from a file", () => replay(`${stored("a.pcap.gz", packed)}:80`)],
    ["from a file of any name", () => replay(`${stored("b.pcap", packed)}:80`)],
    ["from standard input", () => replay("-:80", packed)],
    ["in two members", () => replay(`${stored("c.pcap.gz", Buffer.concat([gzipSync(plain.subarray(0, 99)), gzipSync(plain.subarray(99))]))}:80`)], // prettier-ignore
  ])("is read %s", async (_, act) => {
    const { code, targets, stderr } = await act();
    expect(stderr).toMatch(/\nnothing was lost\n/);
    expect({ code, targets }).toEqual({ code: 0, targets: TARGETS });
  });

  it("that is cut off gives what is there, and says where", async () => {
    const { code, targets, stderr } = await replay(
      `${stored("d.pcap.gz", packed.subarray(0, -10))}:80`,
    );
    expect(stderr).toMatch(/d\.pcap\.gz is damaged as gzip at byte \d+: it is cut off/);
    expect(stderr).toMatch(/lost 1: damaged-capture 1/);
    expect({ code, targets }).toEqual({ code: 1, targets: TARGETS });
    const fed = await replay("-:80", packed.subarray(0, -10));
    expect(fed.stderr).toMatch(/lost 1: damaged-capture 1/);
    expect(fed.code).toBe(1);
  });

  it("may hold a bomb", async () => {
    // 256 MB of packets that are nothing, in 256 KB.
    const header = pcap([]);
    const block = Buffer.alloc(1024 * 1024);
    for (let at = 0; at < block.length; at += 1024) block.writeUInt32LE(1008, at + 8);
    const bomb = gzipSync(Buffer.concat([header, ...Array.from({ length: 256 }, () => block)]));
    const { code, stderr } = await replay(`${stored("e.pcap.gz", bomb)}:80`);
    expect(stderr).toMatch(/none of 262144 packets is TCP/);
    expect(code).toBe(1);
  });
});

describe.skipIf(!have("mkfifo"))("a FIFO", () => {
  it.each([
    ["plain", plain],
    ["packed", gzipSync(plain)],
  ])("is read, %s", async (name, bytes) => {
    const path = join(folder, `${name}-fifo.pcap`);
    execFileSync("mkfifo", [path]);
    // The reader opens it first or second: either waits for the other.
    const [{ code, targets, stderr }] = await Promise.all([
      replay(`${path}:80`),
      writeFile(path, bytes),
    ]);
    expect(stderr).toMatch(/\nnothing was lost\n/);
    expect({ code, targets }).toEqual({ code: 0, targets: TARGETS });
  });

  it("without a writer does not keep the process", async () => {
    const path = join(folder, "lonely-fifo.pcap");
    execFileSync("mkfifo", [path]);
    const command = `${root}packages/cli/bin/mirrorball.mjs`;
    const words = [command, "--input-raw", path, "--output-stdout", "--exit-after", "100ms"];
    const child = spawn(process.execPath, words, { stdio: ["ignore", "ignore", "pipe"] });
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    const code = await new Promise((resolve) => child.once("close", resolve));
    expect(stderr).toMatch(/not everything was there: captures not read to their end 1/);
    expect(code).toBe(1);
  });
});

describe("a capture with nothing to read", () => {
  it.each<[string, () => Promise<Ended>, RegExp]>([
    [
      "no byte",
      () => replay(stored("none.pcap", Buffer.alloc(0))),
      /cannot read .*none\.pcap: it is empty/,
    ],
    ["no byte on standard input", () => replay("-"), /the capture is empty, without even a header/],
    ["a header alone", () => replay(stored("header.pcap", pcap([]))), /the capture holds no packets[^]*captures without a packet 1/], // prettier-ignore
    [
      "half a header",
      () => replay(stored("half.pcap", pcap([]).subarray(0, 11))),
      /ends inside a packet/,
    ],
    [
      "USB alone",
      () => replay(stored("usb.pcap", pcap([{ bytes: Buffer.alloc(64) }], { linkType: 249 }))),
      /none of 1 packets is TCP \(link type 249 \(USBPcap\) 1\)[^]*packets of unknown link types 1/,
    ],
    [
      "UDP alone",
      () => replay(stored("udp.pcap", pcap([{ bytes: ethernet(inUdp(443, Buffer.alloc(9))) }]))),
      /none of 1 packets is TCP \(UDP port 443 \(HTTP\/3\) 1\)[^]*packets of which none is TCP 1/,
    ],
  ])("%s: says so", async (_, act, says) => {
    const { code, stderr } = await act();
    expect(stderr).toMatch(says);
    expect(stderr).not.toContain("nothing was lost");
    expect(code).toBe(1);
  });
});

describe("a capture in tunnels", () => {
  it("gives the requests, and tells what it passed over", async () => {
    const { packets } = wire();
    const kinds = [
      (inner: Uint8Array) => ethernet(inUdp(4789, vxlan(ethernet(inner)))),
      (inner: Uint8Array) => ethernet(outer4(47, bytesOf("0000 0800", inner))),
      (inner: Uint8Array) => ethernet(bytesOf("00064140", inner), 0x8847),
    ];
    const wrapped = packets.map((packet, i) => ({
      ...packet,
      bytes: kinds[i % kinds.length]?.(packet.bytes) ?? packet.bytes,
    }));
    const { code, targets, stderr } = await replay(`${stored("t.pcap", pcap(wrapped))}:80`);
    expect(targets).toEqual(TARGETS);
    expect(stderr).toMatch(/headers passed over: VXLAN \d+, GRE \d+, MPLS \d+\n/);
    expect(stderr).toMatch(/\nnothing was lost\n/);
    expect(code).toBe(0);
  });
});
