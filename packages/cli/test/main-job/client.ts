// Sends planned requests over raw sockets, each in its manner, and reads the answers far enough to know where they end.
import { connect } from "node:net";
import type { Socket } from "node:net";
import type { Planned } from "./traffic.ts";

/** Answers on one connection: bytes in, one resolution an answer. */
class Answers {
  readonly #socket: Socket;
  #held: Buffer = Buffer.alloc(0);
  #wake: () => void = () => {};
  #ended = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
      this.#wake();
    });
    const end = (): void => {
      this.#ended = true;
      this.#wake();
    };
    socket.on("close", end).on("error", end);
  }

  /** Status of the next answer, once it is read whole. */
  async next(method: string): Promise<number> {
    const head = (await this.#until((bytes) => {
      const end = bytes.indexOf("\r\n\r\n");
      return end < 0 ? undefined : end + 4;
    })).toString("latin1"); // prettier-ignore
    const status = Number(head.slice(9, 12));
    if (status === 100) return status;
    if (method === "HEAD" || status === 204 || status === 304) return status;
    const length = /^content-length: (\d+)/im.exec(head)?.[1];
    if (length !== undefined)
      await this.#until((bytes) => (bytes.length >= Number(length) ? Number(length) : undefined));
    else await this.#until(chunkedEnd);
    return status;
  }

  /** Waits for some bytes of text. */
  async contains(text: string): Promise<void> {
    await this.#until((bytes) => (bytes.includes(text) ? bytes.length : undefined));
  }

  async #until(measure: (held: Buffer) => number | undefined): Promise<Buffer> {
    for (;;) {
      const size = measure(this.#held);
      if (size !== undefined) {
        const taken = this.#held.subarray(0, size);
        this.#held = this.#held.subarray(size);
        return taken;
      }
      if (this.#ended)
        throw new Error(`the connection ended: ${this.#held.toString("latin1").slice(0, 200)}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  get socket(): Socket {
    return this.#socket;
  }
}

/** Length of a chunked body that is all there. */
function chunkedEnd(bytes: Buffer): number | undefined {
  for (let at = 0; ;) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16);
    at = lineEnd + 2 + size + 2;
    if (at > bytes.length) return undefined;
    if (size === 0) return at;
  }
}

async function open(port: number): Promise<Answers> {
  const socket = connect(port, "127.0.0.1");
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve).once("error", reject);
  });
  socket.setNoDelay(true);
  return new Answers(socket);
}

const PIPELINE_MAX = 5;

/** Sends all of `planned` to `port` over `lanes` connections. */
export async function sendAll(
  port: number,
  planned: readonly Planned[],
  lanes: number,
): Promise<void> {
  const queue = [...planned];
  const lane = async (): Promise<void> => {
    let answers = await open(port);
    for (let first = queue.shift(); first !== undefined; first = queue.shift()) {
      const group = [first];
      while (
        first.manner === "pipelined" &&
        group.length < PIPELINE_MAX &&
        queue[0]?.manner === "pipelined"
      ) {
        const following = queue.shift();
        if (following !== undefined) group.push(following);
      }
      await sendGroup(answers, group);
      if (answers.socket.writableEnded || answers.socket.destroyed) answers = await open(port);
    }
    answers.socket.destroy();
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

async function sendGroup(answers: Answers, group: readonly Planned[]): Promise<void> {
  const [one] = group;
  if (one === undefined) return;
  const { socket } = answers;
  switch (one.manner) {
    case "abort-upload": {
      // A half-close, not a reset: what was written must arrive.
      socket.end(one.bytes.subarray(0, one.bytes.length >> 1));
      await new Promise((resolve) => socket.once("close", resolve));
      return;
    }
    case "abort-response":
      socket.write(one.bytes);
      await answers.contains("begun");
      socket.destroy();
      return;
    case "continue": {
      const headBytes = one.bytes.indexOf("\r\n\r\n") + 4;
      socket.write(one.bytes.subarray(0, headBytes));
      await answers.next(one.method);
      socket.write(one.bytes.subarray(headBytes));
      await answers.next(one.method);
      return;
    }
    case "alone":
    case "pipelined":
      socket.write(group.length === 1 ? one.bytes : Buffer.concat(group.map(({ bytes }) => bytes)));
      for (const { method } of group) await answers.next(method);
  }
}
