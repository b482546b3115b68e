// A middleware and a journal together, and the server, the middleware or both killed with SIGKILL under load: nothing that was
// acknowledged and is passed on is lost, everything went through the middleware, nothing with side effects arrives twice.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { freePort, serving } from "../processes.ts";
import type { Program } from "../processes.ts";
import { report } from "./figures.ts";
import { LONG, Producer, Target, isUnsafe } from "./oracle.ts";

const KILLS = LONG ? 40 : 6;
const PER_SECOND = LONG ? 3000 : 1500;
/** Milliseconds that a server lives after it listens. */
const LIFE_MS = [20, 500] as const;
/** What the middleware puts on ids; those it makes itself have it twice. */
const SHIFT = 3_000_000;

const middleware = fileURLToPath(new URL("programs/shift-ids.mjs", import.meta.url));
const program = (...words: string[]): string =>
  [`"${process.execPath}"`, `"${middleware}"`, ...words].join(" ");

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

interface Run {
  readonly target: Target;
  readonly producer: Producer;
  start(): Promise<Program & { page: string }>;
}

async function prepared(
  command: string,
  { offers, words: more = [] }: { offers?: number; words?: readonly string[] } = {},
): Promise<Run> {
  const directory = mkdtempSync(join(tmpdir(), "mirrorball-kill-"));
  closers.push(() => rmSync(directory, { recursive: true, force: true }));
  const port = await freePort();
  const target = await Target.start();
  const producer = new Producer(port, PER_SECOND, offers === undefined ? {} : { offers });
  closers.push(
    () => target.close(),
    () => producer.close(),
  );
  const words = [
    "--input-tcp",
    `127.0.0.1:${port}`,
    "--journal",
    directory,
    "--middleware",
    command,
    "--output-http",
    target.url,
    "--drain-timeout",
    "50s",
    ...more,
  ];
  const start = async (): Promise<Program & { page: string }> => {
    const server = await serving(...words);
    closers.push(() => server.child.kill("SIGKILL"));
    return server;
  };
  return { target, producer, start };
}

interface Found {
  readonly missing: number;
  readonly missingUnsafe: number;
  readonly twiceUnsafe: number;
  readonly twiceSafe: number;
  readonly notThroughIt: number;
  readonly dropped: number;
}

/** What arrived of ids 1 to `last` that the middleware passes on; `own`: of those that it makes. */
function found({ arrived }: Target, last: number, own: boolean): Found {
  const all = { missing: 0, missingUnsafe: 0, twiceUnsafe: 0, twiceSafe: 0, notThroughIt: 0, dropped: 0 }; // prettier-ignore
  for (let id = 1; id <= last; id += 1) {
    all.notThroughIt += arrived.get(id) ?? 0;
    if (id % 10 === 7) {
      all.dropped += 1;
      all.notThroughIt += arrived.get(id + SHIFT) ?? 0;
      continue;
    }
    if (own && id % 10 !== 3) continue;
    const times = arrived.get(id + (own ? 2 * SHIFT : SHIFT)) ?? 0;
    if (isUnsafe(id)) {
      all.missingUnsafe += times === 0 ? 1 : 0;
      all.twiceUnsafe += times > 1 ? 1 : 0;
    } else {
      all.missing += times === 0 ? 1 : 0;
      all.twiceSafe += times > 1 ? 1 : 0;
    }
  }
  return all;
}

/** Stops it in order; returns how many requests a crash ever left open. */
async function stopped({ child, ended, out }: Program): Promise<number> {
  child.kill("SIGTERM");
  await ended;
  expect(out.stderr).toMatch(/journal: nothing is left in it/);
  return Number(/; (\d+) ever uncertain/.exec(out.stderr)?.[1] ?? "0");
}

/** The process of the middleware, as it says itself. */
function middlewareOf({ out }: Program): number | undefined {
  const pids = [...out.stderr.matchAll(/middleware is process (\d+)/g)];
  const pid = pids.at(-1)?.[1];
  return pid === undefined ? undefined : Number(pid);
}

function killMiddleware(server: Program): boolean {
  const pid = middlewareOf(server);
  try {
    return pid !== undefined && process.kill(pid, "SIGKILL");
  } catch {
    // It is being started again.
    return false;
  }
}

describe(`the server killed ${KILLS} times`, { timeout: LONG ? 900_000 : 240_000 }, () => {
  it.each([
    ["a program", program(), []],
    ["a program that is killed too", program(), []],
    ["a plugin", middleware, []],
    ["a program and two outputs", program(), ["--output-http-track-response", "--output-null"]],
  ])("with %s", async (what, command, words) => {
    const { target, producer, start } = await prepared(command, { words });
    let middlewareKills = 0;
    for (let kill = 0; kill < KILLS; kill += 1) {
      const server = await start();
      const [least, most] = LIFE_MS;
      const lifeMs = least + Math.random() * (most - least);
      await new Promise((resolve) => setTimeout(resolve, lifeMs / 2));
      if (what.includes("killed")) {
        await server.printed(/middleware is process/);
        if (killMiddleware(server)) middlewareKills += 1;
      }
      await new Promise((resolve) => setTimeout(resolve, lifeMs / 2));
      server.child.kill("SIGKILL");
      await server.ended;
    }
    const last = await start();
    await producer.finish();
    const uncertain = await stopped(last);

    const passed = found(target, producer.offered, false);
    const made = command === middleware ? undefined : found(target, producer.offered, true);
    report(`server killed with SIGKILL, journal and ${what}`, {
      kills: KILLS,
      "kills of the middleware": middlewareKills,
      offered: producer.offered,
      "dropped by it": passed.dropped,
      "acked and lost": passed.missing,
      "uncertain, not sent again": uncertain,
      "twice with side effects": passed.twiceUnsafe,
      "twice without": passed.twiceSafe,
      "made by it and lost": made?.missing ?? 0,
    });
    // The faults happened.
    expect(producer.connections).toBeGreaterThan(KILLS / 2);
    expect(producer.acked).toBe(producer.offered);
    if (what.includes("killed")) expect(middlewareKills).toBeGreaterThan(0);
    expect(passed.notThroughIt).toBe(0);
    expect(passed.dropped).toBeGreaterThan(0);
    for (const { missing, twiceUnsafe } of [passed, made ?? passed]) {
      expect(missing).toBe(0);
      expect(twiceUnsafe).toBe(0);
    }
    const missingUnsafe = passed.missingUnsafe + (made?.missingUnsafe ?? 0);
    expect(missingUnsafe).toBeLessThanOrEqual(uncertain);

    // What the middleware kept for itself was settled with the rest: the next run finds nothing.
    const arrived = new Map(target.arrived);
    const next = await start();
    await stopped(next);
    expect(next.out.stderr).not.toMatch(/resuming/);
    expect(target.arrived).toEqual(arrived);
  });
});

it("a program that dies again and again loses nothing: what it held is given to the next one", async () => {
  const COUNT = 1500;
  const { target, producer, start } = await prepared(program("900"), { offers: COUNT });
  const server = await start();
  await producer.finish();
  await stopped(server);
  const { missing, missingUnsafe, twiceUnsafe, twiceSafe, notThroughIt } = found(
    target,
    COUNT,
    false,
  );
  const deaths = server.out.stderr.match(/ended with code 3/g)?.length ?? 0;
  report("a middleware that dies, journal", { deaths, offered: COUNT, lost: missing, twice: twiceSafe }); // prettier-ignore
  expect(deaths).toBeGreaterThanOrEqual(3);
  expect([missing, missingUnsafe, twiceUnsafe, twiceSafe, notThroughIt]).toEqual([0, 0, 0, 0, 0]);
  expect(server.out.stderr).toMatch(/, [1-9]\d* are given to the next; starting it again/);
});

it("a program that drops things, and a journal too small for a minute of them, get on", async () => {
  // Twice the limit, in messages of about 1 KB.
  const COUNT = 2000;
  const words = ["--journal-limit", "1mb"];
  const { target, producer, start } = await prepared(program(), { offers: COUNT, words });
  const server = await start();
  await producer.finish();
  await stopped(server);
  const { missing, missingUnsafe, twiceUnsafe, twiceSafe } = found(target, COUNT, false);
  expect([missing, missingUnsafe, twiceUnsafe, twiceSafe]).toEqual([0, 0, 0, 0]);
  expect(server.out.stderr).toMatch(/withheld \(.*no-answer/);
});
