// A request that can be read in two ways is not replayed unless asked, whatever way it took from the capture to the replay.
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { freePort } from "../../test/kit.ts";
import { Wire, captureFile } from "../../test/pcap-kit.ts";
import { recording } from "../../test/targets.ts";
import { catalogue } from "../catalogue.ts";
import type { Counters } from "../engine/accounting/counters.ts";
import { planFrom } from "../engine/plan/plan.ts";
import { ReplayServer } from "../engine/replay-server.ts";
import { toolCall } from "../component/tool.ts";

/** One plain request; one with two framings; one with a chunk that is none; and one behind it, which its own bytes do not show. */
function capture(): string {
  const wire = new Wire();
  wire.exchange("/plain");
  const smuggler = wire.connect();
  smuggler.client(
    "POST /smuggled HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
  );
  smuggler.close();
  const broken = wire.connect();
  broken.client(
    `POST /broken HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n${"0".repeat(20)}1\r\n`,
  );
  broken.client("GET /behind HTTP/1.1\r\nHost: a.test\r\n\r\n");
  broken.close();
  return captureFile(wire.bytes());
}

const path = capture();
const closers: (() => unknown)[] = [];
let folder = "";
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "mirrorball-ambiguous-"))));
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function start(...flags: string[]): Promise<ReplayServer> {
  const made = planFrom(flags, catalogue);
  if ("errors" in made) throw new Error(made.errors.join("\n"));
  const server = await ReplayServer.create(made.plan);
  closers.push(() => server.stop());
  await server.start();
  return server;
}

async function runs(...flags: string[]): Promise<Counters> {
  const server = await start(...flags);
  await server.ended;
  return server.stop();
}

async function record(name: string): Promise<string> {
  const file = join(folder, name);
  await runs("--input-raw", path, "--output-file", file, "--output-file-append");
  return file;
}

async function convert(from: string, name: string): Promise<string> {
  const to = join(folder, name);
  const tool = catalogue.tools.find(({ name: each }) => each === "convert");
  if (tool === undefined) throw new Error("there is no tool convert");
  const call = toolCall(tool, [from, to]);
  if ("errors" in call) throw new Error(call.errors.join("\n"));
  const { execute } = await tool.load();
  await execute(
    {
      print: async () => {},
      complain: () => {},
      watch: () => () => {},
      interrupted: new Promise<void>(() => {}),
    },
    call.operands,
    call.options,
  );
  return to;
}

/** Starts the receiving side, sends it the capture and waits until it has it all; then it is stopped. */
async function forwarded(receiving: string[], ...sending: string[]): Promise<Counters> {
  const port = await freePort();
  const receiver = await start("--input-tcp", `127.0.0.1:${port}`, ...receiving);
  await runs("--input-raw", path, "--output-tcp", `127.0.0.1:${port}`, ...sending);
  await expect
    .poll(
      () => receiver.counters().outputs.map(({ delivered, filtered }) => Object.values(filtered).reduce((sum, count) => sum + count, delivered)), // prettier-ignore
      { timeout: 20_000, interval: 5 },
    )
    .toEqual([4]);
  return receiver.stop();
}

type Way = (outputs: string[]) => Promise<Counters>;
const ways: Record<string, Way> = {
  "at once": (outputs) => runs("--input-raw", path, ...outputs),
  "frames over TCP": (outputs) => forwarded(outputs),
  "frames over TCP, through a journal": (outputs) =>
    forwarded(["--journal", join(folder, "journal"), ...outputs]),
  "gor's stream over TCP": (outputs) => forwarded(outputs, "--output-tcp-format", "gor"),
  "a file": async (outputs) => runs("--input-file", await record("a.gor"), ...outputs),
  "a compressed file": async (outputs) =>
    runs("--input-file", await record("a.gor.gz"), ...outputs),
  "a middleware": (outputs) => runs("--input-raw", path, "--middleware", "cat", ...outputs),
  "JSON lines and back": async (outputs) => {
    const lines = await convert(await record("a.gor"), "a.jsonl");
    return runs("--input-file", await convert(lines, "b.gor"), ...outputs);
  },
  "HAR and back": async (outputs) => {
    const har = await convert(await record("a.gor"), "a.har");
    return runs("--input-file", await convert(har, "b.gor"), ...outputs);
  },
};

describe("an ambiguous request", () => {
  it.each(Object.entries(ways))("is not replayed, but when asked: %s", async (_, way) => {
    const { address, seen } = await recording();
    const outputs = ["--output-http", `http://${address}`];
    const counters = await way(outputs);
    expect(counters.outputs[0]).toMatchObject({ delivered: 1, filtered: { ambiguous: 3 } });
    expect(seen.map(({ req }) => req.url)).toEqual(["/plain"]);
    folder = mkdtempSync(join(tmpdir(), "mirrorball-ambiguous-"));
    const asked = await way([...outputs, "--output-http-ambiguous"]);
    // Of the one with a broken chunk nobody has the rest.
    expect(asked.outputs[0]).toMatchObject({ delivered: 3, filtered: { "incomplete-body": 1 } });
    expect(seen.slice(1).map(({ req }) => req.url ?? "").toSorted()).toEqual(["/behind", "/plain", "/smuggled"]); // prettier-ignore
    expect(seen.map(({ body }) => String(body))).toContain("abc");
  });

  it("is marked in the file by a fifth word, which gor passes over", async () => {
    const text = readFileSync(await record("a.gor"), "latin1");
    const metas = text.match(/^1 .*$/gm)?.map((line) => line.split(" "));
    // What else is known of a request stands behind.
    const marks = metas?.map((words) =>
      words.slice(3).filter((word) => !word.startsWith("context=")),
    );
    expect(marks).toEqual([["0"], ["0", "ambiguous"], ["0", "ambiguous"], ["0", "ambiguous"]]);
  });
});
