// Terminal escapes, line breaks and markup in everything a peer can choose: nothing of it reaches a terminal raw, and the
// counters page is JSON that no browser takes for anything else.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { ProducerSession, RecordType, packRecords } from "@mirrorball/protocol";
import type { ExchangeRecord } from "@mirrorball/protocol";
import { afterEach, expect, it } from "vitest";
import { report } from "./figures.ts";
import { running } from "./running.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).toReversed()) close();
});

const PAYLOADS = [
  "\u001b]0;owned\u0007",
  "\u001b[2J\u001b[31mred",
  "a\r\nmirrorball: nothing was lost",
  "\u009b31m",
  "\u202egnirts",
  "<script>alert(1)</script>",
  '"><img src=x onerror=alert(1)>',
  "${jndi:ldap://x}",
  "%s%n%d",
];

/** One exchange with `text` in every field that holds text. */
function exchange(number: number, text: string): ExchangeRecord {
  const headers = ["Host", text, text, text, "X-Id", String(number), "Cookie", text];
  return [
    RecordType.exchange, number, 1.7e15, 10, 1, number, text, "GET", `/${text}`, "HTTP/1.1",
    headers, Buffer.from(text), 0, null, 1.7e15, 10,
    `HTTP/1.1 200 ${text}\r\nX: ${text}\r\n\r\n`, Buffer.from(text), 0, null, text, [text, text],
  ]; // prettier-ignore
}

/** Returns how many exchanges were acknowledged. */
async function speak(port: number, text: string): Promise<number> {
  const session = new ProducerSession({ producerId: randomBytes(16), service: text, agent: text });
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
  session.enqueue(packRecords(PAYLOADS.map((_, i) => exchange(i + 1, text))), PAYLOADS.length);
  session.connect(randomBytes(16), 0);
  flush();
  await once(socket, "close");
  return session.ackedWeight;
}

/** A peer that speaks nothing we know: its first words are shown in the log. */
async function babble(port: number, text: string | Buffer): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.resume();
  socket.end(text);
  await once(socket, "close");
}

it("escapes and markup in every field", async () => {
  const run = await running("memory", { words: ["--verbose", "3", "--stats"] });
  closers.push(() => run.close());
  // The log shows how the first refusal of a second began: this one, every kind of control character in it.
  await babble(run.port, Buffer.from("1b5d303b0700090d0a9b33316d7f851b", "hex"));
  await run.server.printed(/closed .*it began with/);
  for (const text of PAYLOADS) {
    expect(await speak(run.port, text)).toBe(PAYLOADS.length);
    await babble(run.port, text);
  }
  const answer = await fetch(run.server.page);
  const { headers } = answer;
  const page = await answer.text();
  JSON.parse(page);
  expect(headers.get("content-type")).toBe("application/json");
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  const refused = await run.refused();
  run.server.child.kill("SIGTERM");
  await run.server.ended;
  const { stdout, stderr } = run.server.out;
  // oxlint-disable-next-line no-control-regex -- they are what must not be there
  expect(stderr + stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  // No line of ours was forged: there is one verdict, at the end.
  expect(stderr.match(/^mirrorball: nothing was lost/gm)).toBeNull();
  expect(refused).toBe(PAYLOADS.length + 1);
  report("escapes and markup in every field", {
    texts: PAYLOADS.length,
    "connections refused": refused,
    "raw control characters in the log": 0,
  });
});
