// A durable forwarder between a service and a central server, both with a journal: producer → forwarder → central → target.
// Whichever of the two is killed, however often, nothing that was acknowledged is lost and nothing with side effects arrives
// twice; while only the forwarder is killed, nothing at all does.
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { freePort, mirrorball, serving } from "../processes.ts";
import type { Program } from "../processes.ts";
import { report } from "./figures.ts";
import { LONG, Producer, Target, isUnsafe } from "./oracle.ts";
import type { Counted } from "./running.ts";

const KILLS = LONG ? 100 : 8;
const PER_SECOND = LONG ? 3000 : 1500;
/** Milliseconds that a server lives after it listens. */
const LIFE_MS = [50, 500] as const;
const TIMEOUT_MS = LONG ? 900_000 : 240_000;

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).toReversed()) close();
});

const SEPARATOR = Buffer.from("\n🐵🙈🙉\n");

type Server = Program & { page: string };
interface Page extends Counted {
  readonly outputs: readonly (Counted["outputs"][number] & {
    readonly stats: { readonly counts?: Readonly<Record<string, number>> };
  })[];
}

async function counters({ page }: Server): Promise<Page> {
  return (await (await fetch(page)).json()) as Page;
}

/** Everything it took has been delivered, and its journal knows. */
async function idle(server: Server): Promise<Page> {
  for (;;) {
    const now = await counters(server);
    const waiting = now.outputs.some(({ queued, inFlight }) => queued + inFlight > 0);
    if (!waiting && (now.journal?.entries ?? 0) <= 1) return now;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function kill(server: Server): Promise<void> {
  server.child.kill("SIGKILL");
  await server.ended;
}

async function life(): Promise<void> {
  const [least, most] = LIFE_MS;
  await new Promise((resolve) => setTimeout(resolve, least + Math.random() * (most - least)));
}

interface Chain {
  readonly folder: string;
  /** The forwarder's port. */
  readonly near: number;
  readonly target: Target;
  readonly producer: Producer;
  /** What the central server wrote. */
  readonly recording: string;
  readonly forwarder: () => Promise<Server>;
  readonly central: () => Promise<Server>;
}

async function chain(): Promise<Chain> {
  const folder = mkdtempSync(join(tmpdir(), "mirrorball-forward-"));
  const [near, far] = [await freePort(), await freePort()];
  const target = await Target.start();
  const producer = new Producer(near, PER_SECOND);
  const recording = join(folder, "all.gor");
  const start = async (...words: string[]): Promise<Server> => {
    for (;;) {
      try {
        const server = await serving(...words);
        closers.push(() => server.child.kill("SIGKILL"));
        return server;
      } catch (error) {
        // A port that nobody listens on may be lent to a connection of anybody's.
        if (!String(error).includes("the address is in use")) throw error;
      }
    }
  };
  closers.push(
    () => rmSync(folder, { recursive: true, force: true }),
    () => target.close(),
    () => producer.close(),
  );
  return {
    folder,
    near,
    target,
    producer,
    recording,
    forwarder: () =>
      start("--input-tcp", `127.0.0.1:${near}`, "--journal", join(folder, "forwarder"), "--output-tcp", `127.0.0.1:${far}`), // prettier-ignore
    central: () =>
      start("--input-tcp", `127.0.0.1:${far}`, "--journal", join(folder, "central"), "--output-http", target.url, "--output-http-timeout", "60s", "--output-file", recording, "--output-file-append"), // prettier-ignore
  };
}

/** `KIND ID` of every record. */
function recorded(path: string): string[] {
  return [
    ...readFileSync(path, "latin1").matchAll(/^([123] [0-9a-f]{24}) \d+ -?\d+(?: \S+)*\n/gm),
  ].map(([, key = ""]) => key);
}

it(
  `the forwarder killed ${KILLS} times: everything arrives once`,
  { timeout: TIMEOUT_MS },
  async () => {
    const { target, producer, recording, ...start } = await chain();
    const central = await start.central();
    let there = 0;
    let forwarder = await start.forwarder();
    for (let kills = 0; kills < KILLS; kills += 1) {
      await life();
      there += (await counters(forwarder)).outputs[0]?.stats.counts?.["alreadyThere"] ?? 0;
      await kill(forwarder);
      forwarder = await start.forwarder();
    }
    await producer.finish();
    const last = await idle(forwarder);
    there += last.outputs[0]?.stats.counts?.["alreadyThere"] ?? 0;
    const { journal, lost } = await idle(central);
    const keys = recorded(recording);
    const { missing, repeated, againSafe } = target.faults(producer.offered);
    report("durable forwarder killed with SIGKILL", {
      kills: KILLS,
      offered: producer.offered,
      acked: producer.acked,
      "sent before, not settled, not sent again": there,
      missing: missing.length,
      twice: repeated.length + againSafe,
      "records in the file": keys.length,
    });
    // The window that this is about was hit.
    expect(producer.connections).toBeGreaterThan(KILLS / 2);
    expect(there).toBeGreaterThan(0);
    expect([missing, repeated, againSafe]).toEqual([[], [], 0]);
    expect([new Set(keys).size, keys.length]).toEqual([producer.offered * 2, producer.offered * 2]);
    expect([journal?.uncertain, lost, last.lost]).toEqual([0, 0, 0]);
    for (const server of [forwarder, central]) {
      server.child.kill("SIGTERM");
      expect(await server.ended).toBe(0);
    }
  },
);

it(
  "the forwarder killed in the middle of messages in pieces: each arrives once, and whole",
  { timeout: TIMEOUT_MS },
  async () => {
    const COUNT = 240;
    const BODY = Buffer.alloc(700_000, 0x61);
    const { target, producer, folder, near, ...start } = await chain();
    producer.close();
    const recording = join(folder, "large.gor");
    writeFileSync(recording, "");
    for (let id = 1; id <= COUNT; id += 1) {
      const head = `POST /${id} HTTP/1.1\r\nHost: a\r\nX-Id: ${id}\r\nContent-Length: ${BODY.length}\r\n\r\n`;
      appendFileSync(recording, `1 ${id.toString(16).padStart(24, "0")} ${id} 0\n${head}`);
      appendFileSync(recording, Buffer.concat([BODY, SEPARATOR]));
    }
    const central = await start.central();
    let forwarder = await start.forwarder();
    const source = mirrorball("--input-file", `${recording}|10000%`, "--output-tcp", `127.0.0.1:${near}`, "--drain-timeout", "10m"); // prettier-ignore
    closers.push(() => source.child.kill("SIGKILL"));
    let kills = 0;
    for (const mark of [20, 60, 100, 140, 180]) {
      while (target.arrived.size < mark) await new Promise((resolve) => setTimeout(resolve, 1));
      await kill(forwarder);
      kills += 1;
      forwarder = await start.forwarder();
    }
    expect(await source.ended).toBe(0);
    await idle(forwarder);
    const { lost } = await idle(central);
    const times = Array.from({ length: COUNT }, (_, i) => target.arrived.get(i + 1));
    report("durable forwarder killed in large messages", {
      kills,
      offered: COUNT,
      arrived: target.arrived.size,
      twice: times.filter((each) => (each ?? 0) > 1).length,
    });
    expect(times).toEqual(times.map(() => 1));
    expect([lost, (await counters(central)).inputs.map(({ dropped }) => dropped)]).toEqual([
      0,
      [{}, {}],
    ]);
  },
);

it(
  `both killed ${KILLS} times: side effects once, nothing lost`,
  { timeout: TIMEOUT_MS },
  async () => {
    const { target, producer, ...start } = await chain();
    let [forwarder, central] = await Promise.all([start.forwarder(), start.central()]);
    const killed = { forwarder: 0, central: 0 };
    for (let kills = 0; kills < KILLS; kills += 1) {
      await life();
      // In turns, and every third time both at once.
      if (kills % 3 !== 0) {
        killed.central += 1;
        await kill(central);
      }
      if (kills % 3 !== 1) {
        killed.forwarder += 1;
        await kill(forwarder);
      }
      if (central.child.killed) central = await start.central();
      if (forwarder.child.killed) forwarder = await start.forwarder();
    }
    await producer.finish();
    await idle(forwarder);
    const { journal, lost } = await idle(central);
    const { missing, repeated, againSafe } = target.faults(producer.offered);
    report("durable forwarder and central server killed", {
      "forwarder killed": killed.forwarder,
      "central killed": killed.central,
      offered: producer.offered,
      acked: producer.acked,
      "missing without side effects": missing.filter((id) => !isUnsafe(id)).length,
      "uncertain at central, not sent again": journal?.uncertain ?? 0,
      "twice with side effects": repeated.length,
      "twice without, by central": againSafe,
    });
    expect(missing.filter((id) => !isUnsafe(id))).toEqual([]);
    expect(repeated).toEqual([]);
    expect(missing.length).toBeLessThanOrEqual(journal?.uncertain ?? 0);
    // What a crash of central left open is the only loss that anybody counts.
    expect(lost).toBeLessThanOrEqual(journal?.uncertain ?? 0);
  },
);
