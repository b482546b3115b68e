/** Interfaces made for a test, and frames sent through them. They need root, and a kernel that lets a process have them. */
import { execFileSync, spawnSync } from "node:child_process";

/** Sends the frames, hexadecimal, one a line, on the interface. Node has no sockets for frames. */
const SEND = `
import socket, sys
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
out.bind((sys.argv[1], 0))
for line in sys.stdin: out.send(bytes.fromhex(line))
`;

const ip = (...words: string[]): void => {
  execFileSync("ip", words, { stdio: ["ignore", "ignore", "pipe"] });
};

/** "" when interfaces can be made here, else why not. */
export function whyNoInterfaces(): string {
  const link = new Link(0);
  try {
    link.make();
    link.separate();
    link.up();
    return "";
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    return said.trim().replaceAll(/\s+/g, " ");
  } finally {
    link.remove();
  }
}

/** Two interfaces with a cable between them. The far one is in a network of its own, or stays here. */
export class Link {
  readonly name: string;
  readonly far: string;
  readonly address: string;
  /** Of the far one, once it is separate. */
  readonly farAddress: string;
  readonly #network: string;
  #isFar = false;

  /** `number`: another one for each at a time. */
  constructor(number: number) {
    const unique = `mb${process.pid % 1_000_000}x${number}`;
    this.name = `${unique}a`;
    this.far = `${unique}b`;
    this.#network = unique;
    const net = `10.${200 + (number % 50)}.${(process.pid >> 6) & 0xff}`;
    const host = (process.pid & 0x3f) * 4;
    this.address = `${net}.${host + 1}`;
    this.farAddress = `${net}.${host + 2}`;
  }

  make(): void {
    ip("link", "add", this.name, "type", "veth", "peer", "name", this.far);
  }

  /** From here on programs see the near one. */
  up(): void {
    for (const name of this.#isFar ? [this.name] : [this.name, this.far]) {
      // An address that comes by itself, later, would have the capture opened anew.
      ip("link", "set", name, "addrgenmode", "none");
      ip("link", "set", name, "up");
    }
    ip("addr", "add", `${this.address}/30`, "dev", this.name);
  }

  /** One more address of the near one. */
  addAddress(): void {
    ip("addr", "add", `${this.address.replace(/\.\d+$/, ".253")}/32`, "dev", this.name);
  }

  /** Puts the far one where only `farAway` reaches it. */
  separate(): void {
    ip("netns", "add", this.#network);
    this.#isFar = true;
    ip("link", "set", this.far, "netns", this.#network);
    ip("-n", this.#network, "addr", "add", `${this.farAddress}/30`, "dev", this.far);
    ip("-n", this.#network, "link", "set", this.far, "up");
  }

  /** The words that run a program on the other side. */
  farAway(...words: string[]): [command: string, words: string[]] {
    return ["ip", ["netns", "exec", this.#network, ...words]];
  }

  /** Sends frames from the far one to the near one. */
  send(frames: readonly Uint8Array[]): void {
    const lines = frames.map((frame) => Buffer.from(frame).toString("hex"));
    execFileSync("python3", ["-c", SEND, this.far], { input: lines.join("\n") });
  }

  /** The far one goes with it. */
  remove(): void {
    spawnSync("ip", ["link", "del", this.name]);
    if (this.#isFar) spawnSync("ip", ["netns", "del", this.#network]);
  }
}
