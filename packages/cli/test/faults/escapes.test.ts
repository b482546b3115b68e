// Terminal escapes, line breaks and markup in everything a peer can choose, one field at a time: nothing of it reaches a terminal
// raw, forges a line or a page, neither from the server, nor from the tools, nor from the SDK when it is the server that is hostile.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  FrameType,
  ProducerSession,
  RecordType,
  encodeFrame,
  packRecords,
} from "@mirrorball/protocol";
import type { ExchangeRecord } from "@mirrorball/protocol";
import { createMirror } from "@mirrorball/sdk";
import { afterEach, expect, it } from "vitest";
import { freePort, mirrorball, serving } from "../processes.ts";
import { report } from "./figures.ts";
import type { Counted } from "./running.ts"; // prettier-ignore

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).toReversed()) close();
});

const PAYLOADS = [
  "\u001b]0;owned\u0007",
  "\u001b[2J\u001b[31mred",
  "a\r\nmirrorball: nothing was lost",
  "a\nmirrorball: nothing was lost",
  "a\u2028mirrorball: nothing was lost",
  "\u009b31m",
  "\u202egnirts",
  "\u0000\u0008\u007f",
  "<script>alert(1)</script>",
  '"><img src=x onerror=alert(1)>',
  "</pre><svg onload=alert(1)>",
  "javascript:alert(1)",
  "${jndi:ldap://x}",
  "%s%n%d%x",
  "{{7*7}}<%= 7*7 %>",
];

/** What a terminal obeys, or shows in another order than it stands there. */
// oxlint-disable-next-line no-control-regex -- they are what must not be there
const RAW = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;
/** The same for text that people asked to see: tabs are theirs. */
// oxlint-disable-next-line no-control-regex -- they are what must not be there
const RAW_TEXT = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

interface Fields {
  peer: string;
  method: string;
  target: string;
  version: string;
  name: string;
  value: string;
  body: string;
  trailer: string;
  status: string;
  reason: string;
  answerField: string;
  answer: string;
  answerTrailer: string;
  route: string;
  tagName: string;
  tag: string;
}
const PLAIN: Fields = {
  peer: "127.0.0.1:1", method: "POST", target: "/", version: "HTTP/1.1", name: "X-A", value: "a", body: "a", trailer: "a",
  status: "200", reason: "OK", answerField: "a", answer: "a", answerTrailer: "a", route: "/r", tagName: "t", tag: "t",
}; // prettier-ignore
const FIELDS = Object.keys(PLAIN) as (keyof Fields)[];
/** Said once a connection. */
const NAMES = ["service", "agent"] as const;

function exchange(number: number, field: keyof Fields | undefined, text: string): ExchangeRecord {
  const f = field === undefined ? PLAIN : { ...PLAIN, [field]: text };
  const body = Buffer.from(f.body);
  const headers = ["Host", "a", f.name, f.value, "Content-Length", String(body.length)];
  const answer = Buffer.from(f.answer);
  const head = `HTTP/1.1 ${f.status} ${f.reason}\r\nX: ${f.answerField}\r\nContent-Length: ${answer.length}\r\n\r\n`;
  return [
    RecordType.exchange, number, 1.7e15, 10, 1, number, f.peer, f.method, f.target, f.version, headers, body, 0,
    ["X-T", f.trailer], 1.7e15, 10, head, answer, 0, ["X-T", f.answerTrailer], f.route, [f.tagName, f.tag],
  ]; // prettier-ignore
}

/** Sends one exchange with `text` in this field alone; true when it was acknowledged. */
async function speak(port: number, field: keyof Fields | (typeof NAMES)[number], text: string): Promise<boolean> {
  const named = field === "service" || field === "agent";
  const session = new ProducerSession({
    producerId: randomBytes(16), service: "s", agent: "a", ...(named ? { [field]: text } : {}),
  });
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  const flush = (): void => {
    for (const piece of session.takeOutput()) socket.write(piece);
  };
  socket.on("data", (chunk) => {
    session.receive(chunk, 0);
    flush();
    if (session.unackedFrames === 0 || session.failure !== undefined) socket.end();
  });
  session.enqueue(packRecords([exchange(1, named ? undefined : field, text)]), 1);
  session.connect(randomBytes(16), 0);
  flush();
  await once(socket, "close");
  return session.ackedWeight === 1;
} // prettier-ignore

/** Speaks plainly into a port: nothing we know, or gor's text. */
async function babble(port: number, text: string | Buffer): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.resume();
  socket.end(text);
  await once(socket, "close");
}

const SEPARATOR = "\n🐵🙈🙉\n";

/** gor's records with `text` in each place of the line in front. */
function gorRecords(text: string): string[] {
  const line = text.replaceAll(/\s/g, "");
  const http = `GET / HTTP/1.1\r\nHost: a\r\n\r\n${SEPARATOR}`;
  return [
    `1 ${line} 1700000000000000000 0\n${http}`,
    `2 ${line} 1700000000000000000 0\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n${SEPARATOR}`,
    `1 abc ${line} 0\n${http}`,
    `${line} abc 1700000000000000000 0\n${http}`,
  ];
}

/** A target whose every answer holds one of the texts in status line, field and body. */
async function hostileTarget(): Promise<string> {
  let next = 0;
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", () => {
      const text = PAYLOADS[(next += 1) % PAYLOADS.length] ?? "";
      const body = Buffer.from(text);
      socket.write(
        `HTTP/1.1 500 ${text}\r\nX-A: ${text}\r\nContent-Length: ${body.length}\r\n\r\n`,
      );
      socket.write(body);
    });
  });
  return `http://127.0.0.1:${await listening(server)}`;
}

async function listening(server: Server): Promise<number> {
  const open = new Set<Socket>();
  server.on("connection", (socket) => open.add(socket));
  closers.push(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

it("in every field that a producer or a target fills", async () => {
  const folder = mkdtempSync(join(tmpdir(), "mirrorball-escapes-"));
  closers.push(() => rmSync(folder, { recursive: true, force: true }));
  // One line a second about refused peers: so each text has an input, and its line, of its own.
  const ports = await Promise.all(PAYLOADS.map(() => freePort()));
  const recording = join(folder, "all.gor");
  const server = await serving(
    ...ports.flatMap((port) => ["--input-tcp", `127.0.0.1:${port}`]),
    "--output-http", await hostileTarget(), "--output-http-track-response",
    "--output-file", recording, "--output-file-append", "--verbose", "3", "--stats",
  ); // prettier-ignore
  closers.push(() => server.child.kill("SIGKILL"));
  await server.printed(new RegExp(`listening on 127.0.0.1:${ports.at(-1)}`));
  const page = async (): Promise<{ text: string; counted: Counted; headers: Headers }> => {
    const answer = await fetch(server.page).catch((error: unknown) => {
      throw new Error(`no page: ${server.out.stderr}`, { cause: error });
    });
    const text = await answer.text();
    return { text, counted: JSON.parse(text) as Counted, headers: answer.headers };
  };

  let acked = 0;
  await Promise.all(
    PAYLOADS.map(async (text, i) => {
      const port = ports[i] ?? 0;
      await babble(port, Buffer.concat([Buffer.from([0xff]), Buffer.from(text)]));
      for (const field of [...FIELDS, ...NAMES]) {
        if (await speak(port, field, text)) acked += 1;
      }
      for (const record of gorRecords(text)) await babble(port, record);
    }),
  );
  // One way to match only: others take for ever when a line is missing.
  const began = "(?:(?!looks like)[^])*looks like";
  await server.printed(new RegExp(`^(?:${began}){${PAYLOADS.length}}`));
  const settled = ({ outputs }: Counted): boolean =>
    outputs.every(({ queued, inFlight }) => queued + inFlight === 0);
  let shown = await page();
  while (!settled(shown.counted)) shown = await page();
  server.child.kill("SIGTERM");
  await server.ended;

  const sent = PAYLOADS.length * (FIELDS.length + NAMES.length);
  expect(acked).toBe(sent);
  expect(shown.headers.get("content-type")).toBe("application/json");
  expect(shown.headers.get("x-content-type-options")).toBe("nosniff");
  expect(shown.text).toMatch(/^[\u0020-\u007e]*$/);
  expect(shown.text).not.toMatch(/[<>]/);
  const { stdout, stderr } = server.out;
  expect(stderr + stdout).not.toMatch(RAW);
  // No line of ours was forged.
  expect(stderr.match(/^mirrorball: nothing was lost/gm)).toBeNull();

  const inspected = [];
  for (const words of [[recording], [recording, "--tail", "1000"]]) {
    const { ended, out } = mirrorball("inspect", ...words);
    await ended;
    expect(out.stdout.length).toBeGreaterThan(200);
    expect(out.stdout + out.stderr).not.toMatch(RAW_TEXT);
    inspected.push(out.stdout);
  }
  expect(inspected[1]).toContain("\\x1b[31mred");
  report("escapes and markup in every field", {
    texts: PAYLOADS.length,
    fields: FIELDS.length + NAMES.length,
    "exchanges taken": acked,
    "lines of log": stderr.split("\n").length,
    "raw in log, page and tools": 0,
  });
});

it("in what a server says to the SDK", async () => {
  const lines: string[] = [];
  for (const text of PAYLOADS) {
    const said = Buffer.from(text);
    const string = Buffer.concat([Buffer.from([0xd9, said.length]), said]);
    const error = Buffer.concat([Buffer.from([0x92]), string, string]);
    const port = await listening(
      createServer((socket) => {
        socket.on("error", () => {});
        socket.once("data", () => socket.write(Buffer.concat(encodeFrame(FrameType.error, 0, error))));
      }),
    ); // prettier-ignore
    const said1 = new Promise<string>((resolve) => {
      const tee = createMirror({ server: `127.0.0.1:${port}`, log: resolve });
      closers.push(() => void tee.close({ timeoutMs: 0 }));
      // It connects with its first exchange.
      const host = tee.attach(createHttpServer((_, res) => void res.end()));
      void listening(host).then((at) => fetch(`http://127.0.0.1:${at}/`));
    });
    lines.push(await said1);
  }
  for (const line of lines) {
    expect(line).toMatch(/^mirrorball: /);
    expect(line).not.toMatch(RAW);
    expect(line).not.toContain("\n");
  }
  expect(lines.join("\n")).toContain("?[31mred");
  report("escapes in what a server says to the SDK", { texts: lines.length, "raw in its log": 0 });
});
