// Many processes want one journal at the same moment, one that is new or one that a killed server has left: exactly one has it,
// the others say who. A race is run again and again by the same processes; then whole servers race.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, expect, it } from "vitest";
import { freePort, mirrorball, root } from "../processes.ts";
import { report } from "./figures.ts";
import { LONG } from "./oracle.ts";

const RACERS = 6;
const RACES = LONG ? 2000 : 100;
const SERVER_RACES = LONG ? 20 : 2;
/** Milliseconds from the word to the start, so that every racer has heard it. */
const HEAD_START_MS = 5;

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).toReversed()) close();
});

/** Reads `moment directory`, tries at that moment, says how it went, and lets go when the next line comes. */
const program = `
  import { createInterface } from "node:readline";
  const { Lock } = await import(${JSON.stringify(`${root}packages/server/dist/journal/disk/lock.js`)});
  let held;
  console.log("ready");
  for await (const line of createInterface({ input: process.stdin })) {
    held?.release();
    held = undefined;
    const [moment, directory] = line.split(" ");
    if (directory === undefined) { console.log("released"); continue; }
    while (Date.now() < Number(moment));
    try {
      held = Lock.take(directory);
      console.log("won");
    } catch (error) {
      console.log(error.message);
    }
  }`;

interface Racer {
  readonly child: ChildProcess;
  /** Sends a line and resolves with the answer. */
  readonly ask: (line: string) => Promise<string>;
}

async function racer(): Promise<Racer> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  closers.push(() => child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout });
  await once(lines, "line");
  return {
    child,
    ask: async (line) => {
      child.stdin.write(`${line}\n`);
      const [answer] = (await once(lines, "line")) as [string];
      return answer;
    },
  };
}

function directory(): string {
  const made = mkdtempSync(join(tmpdir(), "mirrorball-race-"));
  closers.push(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** A number that no process has. */
const GONE = 2 ** 22 + 1;

function leaveLock(where: string): void {
  writeFileSync(
    join(where, "lock"),
    `${JSON.stringify({ pid: GONE, host: hostname(), start: "1" })}\n`,
  );
}

it(`${RACERS} processes race ${RACES} times`, { timeout: LONG ? 600_000 : 60_000 }, async () => {
  const racers = await Promise.all(Array.from({ length: RACERS }, racer));
  const pids = racers.map(({ child }) => child.pid);
  const wins = racers.map(() => 0);
  const parent = directory();
  for (let race = 0; race < RACES; race += 1) {
    const where = join(parent, String(race));
    mkdirSync(where);
    if (race % 2 === 1) leaveLock(where);
    const moment = Date.now() + HEAD_START_MS;
    const answers = await Promise.all(racers.map(({ ask }) => ask(`${moment} ${where}`)));
    const winners = answers.flatMap((answer, i) => (answer === "won" ? [i] : []));
    expect([race, winners.length, answers]).toEqual([race, 1, answers]);
    wins[winners[0] ?? 0] = (wins[winners[0] ?? 0] ?? 0) + 1;
    for (const answer of answers) {
      if (answer === "won") continue;
      const [, pid] = /in use by process (\d+); a journal serves one server/.exec(answer) ?? [];
      expect([answer, pids.includes(Number(pid))]).toEqual([answer, true]);
    }
    await Promise.all(racers.map(({ ask }) => ask("release")));
    expect(readdirSync(where)).toEqual([]);
    rmSync(where, { recursive: true });
  }
  // They did race: it was not always the same one.
  expect(wins.filter((count) => count > 0).length).toBeGreaterThan(1);
  report("processes racing for one journal", {
    races: RACES,
    processes: RACERS,
    winners: wins.reduce((sum, count) => sum + count, 0),
    "different winners": wins.filter((count) => count > 0).length,
  });
});

it("two servers start at once", { timeout: LONG ? 300_000 : 60_000 }, async () => {
  for (let race = 0; race < SERVER_RACES; race += 1) {
    const where = directory();
    if (race % 2 === 1) leaveLock(where);
    const ports = [await freePort(), await freePort()];
    const servers = ports.map((port) =>
      mirrorball(
        "--input-tcp",
        `127.0.0.1:${port}`,
        "--journal",
        where,
        "--output-null",
        "--verbose",
        "1",
      ),
    );
    for (const { child } of servers) closers.push(() => child.kill("SIGKILL"));
    const [loser, code] = await Promise.race(
      servers.map(async ({ ended }, i) => [i, await ended] as const),
    );
    const winner = servers[1 - loser];
    expect([code, servers[loser]?.out.stderr]).toEqual([
      1,
      expect.stringMatching(
        new RegExp(`${where} is in use by process ${winner?.child.pid}; a journal serves one`),
      ),
    ]);
    await winner?.printed(/listening on/);
    winner?.child.kill("SIGTERM");
    expect(await winner?.ended).toBe(0);
  }
  report("servers racing for one journal", { races: SERVER_RACES, losers: SERVER_RACES });
});
