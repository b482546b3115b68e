// What a service finds on its own objects: request, response, connection and server have the same keys, values, listeners and
// getters with the SDK as without it, while a request begins and when its connection is gone.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Sink } from "./sink.ts";

const program = fileURLToPath(new URL("programs/describe-host.mjs", import.meta.url));
const register = fileURLToPath(new URL("../cjs/register.js", import.meta.url));
const CLIENTS = 9;
const HANDLERS = 6;
const MOMENTS = 2;
const DIFFERENCES_SHOWN_MAX = 20;

type Found = Readonly<Record<string, readonly unknown[]>>;

async function found(args: readonly string[], server: string): Promise<Found> {
  const child = spawn(process.execPath, ["--no-deprecation", ...args, program], {
    env: { ...process.env, MIRRORBALL_SERVER: server },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (out += chunk));
  await once(child, "close");
  return JSON.parse(out) as Found;
}

/** Where two of them differ; the whole of them would be megabytes. */
function differences(left: unknown, right: unknown, path = ""): string[] {
  if (typeof left !== "object" || left === null || typeof right !== "object" || right === null)
    return left === right ? [] : [`${path}: ${String(left)}, ${String(right)}`];
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  const [ofLeft, ofRight] = [left, right] as Readonly<Record<string, unknown>>[];
  return [...keys]
    .flatMap((key) => differences(ofLeft?.[key], ofRight?.[key], `${path}/${key}`))
    .slice(0, DIFFERENCES_SHOWN_MAX);
}

describe("the host's objects", () => {
  let plain: Found;
  let sink: Sink;
  beforeAll(async () => {
    sink = await Sink.listen();
    plain = await found([], sink.address);
  });
  afterAll(() => sink.close());

  it("are looked at in every case, and are the same in every run", async () => {
    expect(Object.keys(plain)).toHaveLength(CLIENTS * HANDLERS * MOMENTS);
    for (const [name, looks] of Object.entries(plain))
      expect([name, looks.length]).not.toEqual([name, 0]);
    expect(differences(plain, await found([], sink.address))).toEqual([]);
  });

  it.each<[string, string[]]>([
    ["--import", ["--import", register]],
    ["-r", ["-r", register]],
  ])("are the same with the SDK, by %s", async (_name, args) => {
    const before = sink.whole.length;
    const mirrored = await found(args, sink.address);
    expect(differences(plain, mirrored)).toEqual([]);
    // It was there.
    await sink.exchanges(before + Object.keys(plain).length);
  });
});
