// Traffic that is mirrored as VXLAN, sent to the real command over UDP: requests come out, networks are chosen, drops are told.
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { afterEach, describe, expect, it } from "vitest";
import { ethernet } from "../../server/test/packet-kit.ts";
import { Wire } from "../../server/test/pcap-kit.ts";
import { vxlan } from "../../server/test/tunnel-kit.ts";
import { root } from "./processes.ts";

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

class Mirrored {
  stdout = "";
  stderr = "";
  readonly child: ChildProcess;
  readonly #ended: Promise<number | null>;
  #changed: () => void = () => {};

  constructor(address: string, port: number, ...flags: string[]) {
    const command = `${root}packages/cli/bin/mirrorball.mjs`;
    const engine = ["--input-raw-engine", "vxlan", "--input-raw-vxlan-port", String(port)];
    const words = [command, "--input-raw", address, ...engine, ...flags, "--output-stdout"];
    this.child = spawn(process.execPath, [...words, "--verbose", "1"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    children.push(this.child);
    this.child.stdout?.on("data", (chunk: Buffer) => {
      this.stdout += chunk.toString("latin1");
      this.#changed();
    });
    this.child.stderr?.on("data", (chunk: Buffer) => {
      this.stderr += chunk.toString();
      this.#changed();
    });
    this.#ended = new Promise((resolve) => {
      this.child.once("close", (code) => {
        this.#changed();
        resolve(code);
      });
    });
  }

  /** Resolves when it has said so on either stream. */
  async says(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.stdout) && !pattern.test(this.stderr)) {
      if (this.child.exitCode !== null) throw new Error(`ended: ${this.stderr}`);
      await new Promise<void>((resolve) => (this.#changed = resolve));
    }
  }

  async stop(): Promise<number | null> {
    this.child.kill("SIGTERM");
    return this.ended();
  }

  ended(): Promise<number | null> {
    return this.#ended;
  }

  get targets(): string[] {
    return [...this.stdout.matchAll(/^GET (\S+) HTTP/gm)].map(([, target]) => target ?? "");
  }
}

/** A port that is free now. */
async function freeUdpPort(): Promise<number> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(resolve));
  return port;
}

async function send(port: number, datagrams: readonly Uint8Array[]): Promise<void> {
  const socket = createSocket("udp4");
  for (const datagram of datagrams) {
    await new Promise<void>((resolve, reject) => {
      socket.send(datagram, port, "127.0.0.1", (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
  }
  socket.close();
}

/** The packets of an exchange a path, each on a connection of its own, in the network of its place. */
function mirror(exchanges: Readonly<Record<string, number>>): Buffer[][] {
  const wire = new Wire();
  return Object.entries(exchanges).map(([path, vni]) => {
    const before = wire.packets.length;
    wire.exchange(path);
    return wire.packets.slice(before).map(({ bytes }) => vxlan(ethernet(bytes), vni));
  });
}

describe("mirrored traffic", () => {
  it.each(["", "127.0.0.1"])("comes out, listening on %j", async (host) => {
    const port = await freeUdpPort();
    const server = new Mirrored(`${host}:80`, port, "--input-raw-track-response");
    await server.says(/listening for VXLAN on \S+, UDP port \d+/);
    await send(port, [...mirror({ "/one": 7 }).flat(), Buffer.alloc(12)]);
    await server.says(/HTTP\/1\.1 200/);
    expect(await server.stop()).toBe(0);
    expect(server.targets).toEqual(["/one"]);
    expect(server.stderr).toMatch(/headers passed over: VXLAN \d+\n/);
    expect(server.stderr).toMatch(/datagrams left out: of other networks 0, not VXLAN 1\n/);
    expect(server.stderr).toMatch(/\nnothing was lost\n/);
  });

  it("is taken of the networks that are wanted", async () => {
    const port = await freeUdpPort();
    const server = new Mirrored(
      ":80",
      port,
      "--input-raw-vxlan-vni=-7",
      "--input-raw-vxlan-vni",
      "9",
    );
    await server.says(/listening for VXLAN/);
    const all = mirror({ "/seven": 7, "/nine": 9, "/ten": 10 });
    await send(port, all.flat());
    await server.says(/GET \/ten/);
    expect(await server.stop()).toBe(0);
    expect(server.targets).toEqual(["/nine", "/ten"]);
    expect(server.stderr).toContain(`of other networks ${all[0]?.length}, not VXLAN 0`);
  });

  it("that its mirror cut is a hole of known size", async () => {
    const port = await freeUdpPort();
    const server = new Mirrored(":80", port);
    await server.says(/listening for VXLAN/);
    const [cut = [], whole = []] = mirror({ "/cut": 7, "/whole": 7 });
    const datagrams = cut.map((bytes) => bytes.subarray(0, 8 + 14 + 20 + 20 + 8));
    await send(port, [...datagrams, ...whole]);
    await server.says(/GET \/whole/);
    expect(await server.stop()).toBe(1);
    expect(server.targets).toEqual(["/whole"]);
    expect(server.stderr).toMatch(/\n(?:lost|not everything).*bytes not captured [1-9]\d*\n/);
  });

  it.skipIf(!existsSync("/proc/net/udp"))(
    "that the kernel dropped is told, and counted",
    async () => {
      const port = await freeUdpPort();
      const server = new Mirrored(":80", port, "--input-raw-buffer-size", "1kb");
      await server.says(/listening for VXLAN/);
      server.child.kill("SIGSTOP");
      const filler = vxlan(ethernet(Buffer.alloc(1400), 0x0806));
      await send(
        port,
        Array.from({ length: 200 }, () => filler),
      );
      server.child.kill("SIGCONT");
      await server.says(/packets are being dropped \(kernel [1-9]\d*\)/);
      expect(await server.stop()).toBe(1);
      expect(server.stderr).toMatch(/dropped by kernel [1-9]/);
      expect(server.stderr).toMatch(
        /not everything was there: packets dropped by the kernel [1-9]/,
      );
    },
  );
});

describe("what the engine cannot do", () => {
  it.each(["eth0:80", "capture.pcap"])("%s is refused", async (address) => {
    const server = new Mirrored(address, 4789);
    expect(await server.ended()).toBe(1);
    expect(server.stderr).toMatch(/with the vxlan engine: the ports of the mirrored servers/);
  });

  it("a port that is taken is named", async () => {
    const socket = createSocket("udp4");
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    const { port } = socket.address();
    const server = new Mirrored("127.0.0.1:80", port);
    expect(await server.ended()).toBe(1);
    expect(server.stderr).toContain(`cannot listen for VXLAN on UDP port ${port}`);
    socket.close();
  });
});
