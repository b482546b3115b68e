// Once an exchange is over, nothing of the host is held: not its request, not its response, not its connection, however it ended,
// whosever it was, and though no other request comes.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Sink } from "./sink.ts";

const program = fileURLToPath(new URL("programs/retained.mjs", import.meta.url));
const register = fileURLToPath(new URL("../cjs/register.js", import.meta.url));

let sink: Sink;
beforeAll(async () => {
  sink = await Sink.listen();
});
afterAll(() => sink.close());

interface Found {
  readonly seen: number;
  readonly alive: readonly string[];
  readonly mirrored?: number;
}

async function found(how: string, mounting: string): Promise<Found> {
  const args = mounting === "register" ? ["-r", register] : [];
  const child = spawn(process.execPath, ["--expose-gc", ...args, program, how, mounting], {
    env: { ...process.env, MIRRORBALL_SERVER: sink.address },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (out += chunk));
  await once(child, "close");
  return JSON.parse(out) as Found;
}

/** How it ends, and how many of the host's objects the program looks at then. */
const ENDS: readonly [how: string, seen: number][] = [
  ["end", 3],
  ["end, connection kept", 2],
  ["pipelined", 9],
  ["abort", 3],
  ["abort of an upload", 3],
  ["error", 3],
  ["half an answer", 3],
  ["upgrade", 3],
  ["CONNECT", 3],
];

describe.each([
  ["none", "without the SDK"],
  ["register", "with register"],
  ["attached", "attached"],
  ["undecided", "before its mirror is reached"],
  ["scoped", "beside a mirror below a path"],
  ["full", "dropped for want of room"],
])("%s: %s", (mounting) => {
  it.concurrent.each(ENDS)("%s", async (how, seen) => {
    expect(await found(how, mounting)).toMatchObject({ seen, alive: [] });
  });
});
