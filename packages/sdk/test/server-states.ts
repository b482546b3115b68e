// Replay servers as they should not be, for tests in which the host must not notice: absent, stopped, hostile.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { FrameType, encodeFrame } from "@mirrorball/protocol";

export type Attack = readonly [name: string, attack: (socket: Socket) => void];

export const ATTACKS: readonly Attack[] = [
  ["talking HTTP", (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")],
  ["sending random bytes without end", (socket) => void setImmediate(function flood() { if (socket.write(Buffer.alloc(65_536, 0xa5))) setImmediate(flood); })],
  ["announcing a frame of four gigabytes", (socket) => {
    const [header] = encodeFrame(FrameType.welcome, 0, Buffer.alloc(0));
    header.fill(0xff, 4, 8);
    socket.write(header);
  }],
  ["closing at once", (socket) => socket.destroy()],
  ["acknowledging what was never sent", (socket) => socket.write(Buffer.concat(encodeFrame(FrameType.ack, 0, Buffer.from([0x92, 0x05, 0x05]))))],
  // A msgpack array that announces four billion elements, in a frame that is well.
  ["sending a bomb", (socket) => socket.write(Buffer.concat(encodeFrame(FrameType.welcome, 0, Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff]))))],
]; // prettier-ignore

export interface Place {
  readonly address: string;
  readonly close: () => void;
}

/** Nobody listens there. */
export const ABSENT = "127.0.0.1:1";

/** The next attack for every connection. */
export async function hostile(attacks: readonly Attack[] = ATTACKS): Promise<Place> {
  const open = new Set<Socket>();
  let next = 0;
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("error", () => {}).on("close", () => open.delete(socket));
    attacks[next % attacks.length]?.[1](socket);
    next += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}

/** A process that listened, and was stopped with SIGSTOP: the system still takes connections for it. */
export async function stopped(): Promise<Place> {
  const program =
    'require("net").createServer((s) => s.resume()).listen(0, "127.0.0.1", function () { console.log(this.address().port) })';
  const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  child.kill("SIGSTOP");
  return {
    address: `127.0.0.1:${line.toString().trim()}`,
    close: () => void child.kill("SIGKILL"),
  };
}
