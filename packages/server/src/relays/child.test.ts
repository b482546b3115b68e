// Programs as middleware, in every mood, between a real pipeline's inputs and outputs: what comes out, and that the books agree.
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Message } from "@mirrorball/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { get, planOf, responseTo, run } from "../../test/kit.ts";
import type { Ran } from "../../test/kit.ts";
import { counted, holds, numberedGets as gets } from "../../test/kit-relay.ts";
import { ReplayServer } from "../engine/replay-server.ts";

const program = fileURLToPath(new URL("../../test/programs/middleware.mjs", import.meta.url));
const COLLECT = ["--output-collect"];

function mood(name: string, number = 0): string {
  return `"${process.execPath}" "${program}" ${name} ${number}`;
}

function targets({ collected }: Ran): (string | undefined)[] {
  return collected.map(({ http }) => {
    const { head } = http;
    return head !== undefined && "target" in head ? head.target : undefined;
  });
}

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

describe("a program that works", () => {
  it("gives everything back as it was, in order, with what does not travel on the line", async () => {
    const messages = gets(500).flatMap((request, i) => [
      { ...request, context: { connection: i, tags: ["a", "b"] } },
      responseTo(request, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
    ]);
    const ran = await run(messages, ["--middleware", "cat", ...COLLECT]);
    holds(ran);
    expect(counted(ran)).toMatchObject({ taken: 1000, returned: 1000, added: 0, withheld: {} });
    expect(ran.counters.lost).toBe(0);
    expect(ran.collected.map(({ kind, id }) => `${kind} ${id}`)).toEqual(
      messages.map(({ kind, id }) => `${kind} ${id}`),
    );
    for (const [i, message] of ran.collected.entries()) {
      expect(message.context).toEqual(messages[i]?.context);
      expect(Buffer.from(message.http.raw).equals(messages[i]?.http.raw ?? Buffer.from(""))).toBe(
        true,
      );
      expect(message.startedAt).toBe(messages[i]?.startedAt);
    }
  });

  it("may leave messages out: withheld, not lost", async () => {
    const messages = [...gets(10, "/keep"), ...gets(20, "/drop")];
    const ran = await run(messages, ["--middleware", mood("drops"), ...COLLECT]);
    holds(ran);
    expect(ran.counters.lost).toBe(0);
    expect(counted(ran)).toMatchObject({ taken: 30, returned: 10, withheld: { ended: 20 } });
    expect(targets(ran)).toEqual(Array.from({ length: 10 }, (_, i) => `/keep${i}`));
  });

  it("may change, copy and make messages", async () => {
    const ran = await run(gets(3, "/x"), ["--middleware", mood("adds"), ...COLLECT]);
    holds(ran);
    expect(counted(ran)).toMatchObject({ taken: 3, returned: 3, added: 6 });
    expect(targets(ran)).toEqual([
      "/x0",
      "/x0",
      "/own",
      "/x1",
      "/x1",
      "/own",
      "/x2",
      "/x2",
      "/own",
    ]);
    const seen = ran.collected.filter(({ http }) => http.head?.headers.includes("X-Seen"));
    expect(seen).toHaveLength(3);
  });

  it("may use upper case, CR LF and empty lines", async () => {
    const ran = await run(gets(5), ["--middleware", mood("shouts"), ...COLLECT]);
    expect(counted(ran)).toMatchObject({ returned: 5, refused: {} });
    expect(ran.collected).toHaveLength(5);
  });

  it("may keep everything until it is told that this was all", async () => {
    const ran = await run(gets(300), ["--middleware", mood("hoards"), ...COLLECT]);
    holds(ran);
    expect(counted(ran)).toMatchObject({ taken: 300, returned: 300 });
    expect(ran.collected).toHaveLength(300);
  });

  it("need not end by itself", async () => {
    const ran = await run(gets(50), ["--middleware", mood("lingers"), ...COLLECT]);
    holds(ran);
    expect(ran.counters.lost).toBe(0);
    expect(ran.collected).toHaveLength(50);
  });

  it("may be the loop of gor's README", async () => {
    const loop = `bash -c 'while read line; do\n  echo $line\nend\ndone'`.replace("end\n", "");
    const ran = await run(gets(200), ["--middleware", loop, ...COLLECT]);
    expect(ran.collected).toHaveLength(200);
  });

  it("passes bodies larger than any pipe", async () => {
    const body = "x".repeat(3_000_000);
    const big = responseTo(get("/"), `HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n${body}`);
    const ran = await run([big, big, big], ["--middleware", "cat", ...COLLECT]);
    holds(ran);
    expect(ran.collected.map(({ http }) => http.body.length)).toEqual([3e6, 3e6, 3e6]);
  });
});

describe("a program that does not", () => {
  it("and talks rubbish hurts no message, is counted by reason and named in the log once", async () => {
    const ran = await run(gets(20), ["--middleware", mood("stammers"), ...COLLECT]);
    holds(ran);
    expect(counted(ran)).toMatchObject({
      returned: 20,
      refused: { "odd-length": 20, "not-hex": 20, "no-meta-line": 20 },
    });
    expect(ran.log.filter((line) => line.includes("no message"))).toHaveLength(1);
  });

  it("and dies is started again; what it held is lost by reason, nothing else", async () => {
    const ran = await run(gets(2000), ["--middleware", mood("dies", 700), ...COLLECT]);
    holds(ran);
    const { taken, returned, lost, events, refused } = counted(ran);
    expect(taken).toBe(2000);
    expect(events["restart"]).toBeGreaterThanOrEqual(1);
    expect(lost["middleware-died"]).toBe(taken - returned);
    expect(returned).toBe(ran.collected.length);
    expect(refused["incomplete-line"]).toBe(events["restart"]);
    expect(ran.counters.lost).toBe(taken - returned);
    expect(ran.log.join("\n")).toMatch(/ended with code 3; \d+ messages lost with it; starting/);
  });

  it("and closes its output is ended and started again", async () => {
    const server = await start(gets(5), ["--middleware", mood("mutes"), ...COLLECT]);
    await until(() => (server.counters().middleware?.events["restart"] ?? 0) > 0);
    expect(server.counters().middleware?.lost).toEqual({ "middleware-died": 5 });
  });

  it("and cannot be started is an error that names it", async () => {
    const starting = (words: string): Promise<Ran> => run([], ["--middleware", words, ...COLLECT]);
    await expect(starting("/no/such/program -x")).rejects.toThrow(
      'middleware: cannot start "/no/such/program": there is no such program',
    );
    await expect(starting(program.replace("middleware.mjs", ""))).rejects.toThrow(
      /middleware: cannot start .*: it is not executable/,
    );
    const script = join(mkdtempSync(join(tmpdir(), "mirrorball-script-")), "x.sh");
    writeFileSync(script, "#!/bin/sh\r\ncat\r\n", { mode: 0o755 });
    await expect(starting(script)).rejects.toThrow(/its first line ends in CR LF/);
    writeFileSync(script, "#!/no/such/interpreter -x\ncat\n");
    await expect(starting(script)).rejects.toThrow(
      /names the interpreter "\/no\/such\/interpreter"/,
    );
  });

  it("and hangs is reported; inputs wait, memory stays bounded, stopping ends it and counts", async () => {
    const server = await start(
      gets(50_000),
      ["--middleware", "sleep 1000", "--middleware-timeout", "300ms", ...COLLECT],
      "200ms",
    );
    await until(() => server.counters().middleware?.state === "hanging");
    const { inputs, middleware } = server.counters();
    // What fits into the queue in front of it and into the pipe.
    expect(inputs[0]?.emitted).toBeLessThan(20_000);
    expect(middleware).toMatchObject({ returned: 0, events: { hang: 1 } });
    const { middleware: last, lost } = await server.stop();
    expect(last).toMatchObject({ inside: 0, taken: lost });
    expect(server.discrepancies()).toEqual([0, 0]);
  });

  it("and reads but never answers is reported too, and goes on being given messages", async () => {
    const server = await start(gets(10), ["--middleware", mood("swallows"), "--middleware-timeout", "300ms", ...COLLECT]); // prettier-ignore
    await until(() => server.counters().middleware?.state === "hanging");
    const { middleware, lost } = await server.stop();
    expect(middleware).toMatchObject({ taken: 10, returned: 0, withheld: { ended: 10 } });
    expect(lost).toBe(0);
  });

  it("and is slow makes the inputs wait and loses nothing", async () => {
    const server = await start(gets(40), ["--middleware", mood("dawdles", 5), ...COLLECT]);
    await server.ended;
    const { middleware, outputs } = await server.stop();
    expect(middleware).toMatchObject({ taken: 40, returned: 40, events: {} });
    expect(outputs[0]?.delivered).toBe(40);
  });
});

async function start(
  messages: readonly Message[],
  flags: readonly string[],
  drain = "10s",
): Promise<ReplayServer> {
  const plan = planOf(messages, [...flags, "--drain-timeout", drain]);
  const server = await ReplayServer.create(plan);
  closers.push(() => server.stop());
  void server.start();
  return server;
}

async function until(test: () => boolean): Promise<void> {
  while (!test()) await new Promise((resolve) => setTimeout(resolve, 10));
}
