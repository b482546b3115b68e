/** A real server with a page for tests: the command, a target that has faults, traffic over a socket. */
import { createServer } from "node:http";
import type { RequestListener, Server } from "node:http";
import { connect } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { HttpMessage, MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { freePort, mirrorball } from "../../cli/test/processes.ts";
import type { Program } from "../../cli/test/processes.ts";
import { encodeRecords } from "../../server/src/core/record/encode.ts";

export interface Serving {
  /** The address with a token, that was printed. */
  readonly url: string;
  readonly program: Program;
  readonly target: Server;
  /** What the target was asked, as `METHOD path`. */
  readonly asked: string[];
  send(...messages: Message[]): void;
  stop(): Promise<void>;
}

export async function serving(listener: RequestListener, ...words: string[]): Promise<Serving> {
  const asked: string[] = [];
  const target = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    listener(request, response);
  });
  await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
  const tcp = await freePort();
  const address = `http://127.0.0.1:${(target.address() as AddressInfo).port}`;
  const flags = ["--input-tcp", `127.0.0.1:${tcp}`, "--output-http", address, "--output-http-track-response", "--page", "127.0.0.1:0"]; // prettier-ignore
  const program = mirrorball(...flags, ...words);
  const [, url = ""] = await program.printed(/page on (http\S+)/);
  await program.printed(/input-tcp \S+: listening/);
  const socket = await new Promise<Socket>((resolve, reject) => {
    const made = connect(tcp, "127.0.0.1", () => resolve(made));
    made.on("error", reject);
  });
  return {
    url,
    program,
    target,
    asked,
    send: (...messages) => void socket.write(encodeRecords(messages)),
    stop: async () => {
      socket.destroy();
      program.child.kill("SIGTERM");
      await program.ended;
      target.closeAllConnections();
      await new Promise((resolve) => target.close(resolve));
    },
  };
}

let lastId = 0;

/** A request with its recorded answer. */
export function exchange(
  start: string,
  body: string,
  status = 200,
  type = "application/json",
  fields: { readonly request?: string; readonly answer?: string } = {},
): Message[] {
  lastId += 1;
  const id = lastId.toString(16).padStart(24, "0");
  const answer = Buffer.from(body);
  const head = `HTTP/1.1 ${status} OK\r\nContent-Type: ${type}\r\nContent-Length: ${answer.length}\r\n${fields.answer ?? ""}\r\n`;
  return [
    messageOf(
      MessageKind.request,
      id,
      Buffer.from(`${start} HTTP/1.1\r\nHost: shop\r\n${fields.request ?? ""}\r\n`),
    ),
    messageOf(MessageKind.response, id, Buffer.concat([Buffer.from(head), answer])),
  ];
}

export function messageOf(kind: MessageKind, id: string, bytes: Buffer): Message {
  return {
    kind,
    id,
    startedAt: Date.now() * 1000,
    latencyNs: 1_000_000,
    http: HttpMessage.fromRaw(bytes),
  };
}
