// Live capture over a cable of what only some clients do: data on the SYN, by the kernel's own Fast Open, and resets that the
// server does not heed.
import { execFile, spawn, spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { promisify } from "node:util";
import { MessageKind } from "@mirrorball/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { startInput } from "../../test/kit-input.ts";
import type { StartedInput } from "../../test/kit-input.ts";
import { Link, whyNoInterfaces } from "../../test/network-kit.ts";
import { PORT, ethernet, ipv4, tcp } from "../../test/packet-kit.ts";
import type { TcpFields } from "../../test/packet-kit.ts";

const run = promisify(execFile);
const why = whyNoInterfaces();
const title = (text: string): string => (why === "" ? text : `${text} — NOT TESTED HERE: ${why}`);
/** CI has everything and may skip nothing; elsewhere what is not there cannot be tested. */
const isCi = process.env["CI"] !== undefined;
const hasTcpdump = spawnSync("tcpdump", ["--version"]).error === undefined;
const ENGINES = [
  ...(isCi || hasPcap() ? ["libpcap"] : []),
  ...(isCi || hasTcpdump ? ["tcpdump"] : []),
];

function hasPcap(): boolean {
  try {
    createRequire(import.meta.url)("pcap/build/Release/pcap_binding.node");
    return true;
  } catch {
    return false;
  }
}

/** Answers each request on its connection and closes it; says when it listens. */
const SERVER = `
import socket
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("0.0.0.0", 80))
s.setsockopt(socket.IPPROTO_TCP, 23, 16)
s.listen()
print("listening", flush=True)
while True:
    c, _ = s.accept()
    while b"\\r\\n\\r\\n" not in c.recv(65536): pass
    c.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
    c.close()
`;
/** Asks for each path on a connection of its own, opened with the request; prints whether the SYN carried it. */
const CLIENT = `
import socket, sys
for path in sys.argv[2:]:
    s = socket.socket()
    s.sendto(f"GET {path} HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n".encode(), 0x20000000, (sys.argv[1], 80))
    while s.recv(65536): pass
    print("early" if s.getsockopt(socket.IPPROTO_TCP, 11, 104)[5] & 32 else "late", flush=True)
    s.close()
`;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

let links = 20;
function link(isFar: boolean): Link {
  links += 1;
  const made = new Link(links);
  closers.push(() => made.remove());
  made.make();
  if (isFar) made.separate();
  made.up();
  return made;
}

async function capture(engine: string, made: Link): Promise<StartedInput> {
  const started = await startInput([
    "--input-raw",
    `${made.name}:80`,
    "--input-raw-engine",
    engine,
    "--input-raw-track-response",
    // The server is the far one, or nobody: the automatic filter takes what this machine serves.
    "--input-raw-bpf-filter",
    `tcp port ${PORT}`,
  ]);
  closers.push(() => started.server.stop());
  return started;
}

/** Ids of requests, and of responses: the same where every one has its own. */
function ids({ messages }: StartedInput): [string[], string[]] {
  const of = (kind: MessageKind): string[] =>
    messages.filter((message) => message.kind === kind).map(({ id }) => id);
  return [of(MessageKind.request), of(MessageKind.response)];
}

async function right(started: StartedInput, exchanges: number, connections: number): Promise<void> {
  await started.arrived(exchanges * 2);
  const { lost, inputs } = await started.server.stop();
  expect(lost).toBe(0);
  expect(inputs[0]?.stats.figures).toMatchObject({
    connections,
    requests: exchanges,
    responses: exchanges,
    bytesLost: 0,
    requestsUnanswered: 0,
    responsesUnrequested: 0,
  });
  const [requests, responses] = ids(started);
  expect(responses).toEqual(requests);
}

describe.skipIf(why !== "")(title("captured live over a cable"), () => {
  it.each(ENGINES)("%s: requests on the SYN", async (engine) => {
    const made = link(true);
    const [command, words] = made.farAway("sh", "-c", 'echo 3 >/proc/sys/net/ipv4/tcp_fastopen && exec python3 -c "$0"', SERVER); // prettier-ignore
    const server = spawn(command, words, { stdio: ["ignore", "pipe", "inherit"] });
    closers.push(() => server.kill());
    await new Promise((resolve) => server.stdout.once("data", resolve));
    const started = await capture(engine, made);
    const { stdout } = await run("python3", ["-c", CLIENT, made.farAddress, "/1", "/2", "/3"]);
    // The first connection fetches the cookie.
    expect(stdout.trim().split("\n").slice(1)).toEqual(["early", "early"]);
    await right(started, 3, 3);
  });

  it.each(ENGINES)("%s: a reset in the window that the server challenges", async (engine) => {
    const made = link(false);
    const started = await capture(engine, made);
    const hosts = { source: "192.0.2.1", destination: "192.0.2.2" };
    const back = { source: "192.0.2.2", destination: "192.0.2.1" };
    const client = (fields: TcpFields): Buffer => ethernet(ipv4(tcp(fields), hosts));
    const server = (fields: TcpFields): Buffer =>
      ethernet(ipv4(tcp({ sourcePort: PORT, destinationPort: 50_000, ...fields }), back));
    const ask = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n";
    const answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    const [asked, answered] = [1 + ask.length, 1 + answer.length];
    made.send([
      client({ flags: "S", sequence: 0 }),
      server({ flags: "SA", sequence: 0, acknowledgment: 1 }),
      client({ sequence: 1, acknowledgment: 1, payload: ask }),
      server({ sequence: 1, acknowledgment: asked, payload: answer }),
      client({ flags: "R", sequence: asked + 500 }),
      server({ sequence: answered, acknowledgment: asked }),
      client({ sequence: asked, acknowledgment: answered, payload: ask }),
      server({ sequence: answered, acknowledgment: asked + ask.length, payload: answer }),
    ]);
    await right(started, 2, 1);
  });
});
