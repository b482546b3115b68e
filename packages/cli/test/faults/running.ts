// The real command between the oracle's producer and target, and what its counters say.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, servingIn, servingWithin } from "../processes.ts";
import type { Program } from "../processes.ts";
import { Target } from "./oracle.ts";

export interface Counted {
  readonly inputs: readonly {
    readonly dropped: Readonly<Record<string, number>>;
    readonly refused: Readonly<Record<string, number>>;
  }[];
  readonly outputs: readonly {
    readonly received: number;
    readonly delivered: number;
    readonly queued: number;
    readonly inFlight: number;
  }[];
  readonly journal?: {
    readonly state: "ok" | "full" | "degraded";
    readonly bytes: number;
    readonly entries: number;
    readonly writes: number;
    readonly failedWrites: number;
    readonly unwritten: number;
    readonly uncertain: number;
  };
  readonly memoryBytes: { readonly rss: number };
  readonly lost: number;
}

export interface Running {
  readonly port: number;
  readonly target: Target;
  readonly journal: string | undefined;
  server: Program & { page: string };
  counters(): Promise<Counted>;
  /** Connections refused so far, of all reasons or of one. */
  refused(reason?: string): Promise<number>;
  /** Waits until everything that came was delivered, ends the server with SIGTERM and checks its books. */
  finish(): Promise<Counted>;
  /** Starts the server again, with the same words. */
  restart(): Promise<void>;
  close(): void;
}

export interface RunningSettings {
  /** Added to the input and the output. */
  readonly words?: readonly string[];
  /** The target answers nothing until it is released. */
  readonly hold?: boolean;
  readonly heapMb?: number;
  readonly env?: Record<string, string>;
  /** Listens here instead of on `port`. */
  readonly listen?: string;
}

export async function running(
  mode: "memory" | "journal",
  { words = [], hold, heapMb, env = {}, listen }: RunningSettings = {},
): Promise<Running> {
  const port = await freePort();
  const target = await Target.start();
  if (hold === true) target.hold();
  const directory = mkdtempSync(join(tmpdir(), "mirrorball-faults-"));
  const journal = mode === "journal" ? join(directory, "journal") : undefined;
  const all = [
    "--input-tcp",
    listen ?? `127.0.0.1:${port}`,
    "--output-http",
    target.url,
    // The target is in the test's own process, which may be busy.
    "--output-http-timeout",
    "60s",
    ...(journal === undefined ? [] : ["--journal", journal]),
    ...words,
  ];
  const counters = async (): Promise<Counted> =>
    (await (await fetch(made.server.page)).json()) as Counted;
  const start = (): Promise<Program & { page: string }> =>
    heapMb === undefined ? servingIn(env, ...all) : servingWithin(heapMb, ...all);
  const made: Running = {
    port,
    target,
    journal,
    server: await start(),
    counters,
    refused: async (reason) => {
      let count = 0;
      for (const { refused } of (await counters()).inputs) {
        count += reason === undefined ? sum(refused) : (refused[reason] ?? 0);
      }
      return count;
    },
    finish: async () => {
      let now = await counters();
      while (now.outputs.some(({ queued, inFlight }) => queued + inFlight > 0)) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        now = await counters();
      }
      made.server.child.kill("SIGTERM");
      const code = await made.server.ended;
      // What was lost, if anything, is the test's to judge; that the command says so is ours.
      if (code !== (now.lost === 0 ? 0 : 1))
        throw new Error(`ended with ${code}: ${made.server.out.stderr}`);
      return now;
    },
    restart: async () => {
      made.server = await start();
    },
    close: () => {
      made.server.child.kill("SIGKILL");
      target.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  return made;
}

function sum(by: Readonly<Record<string, number>>): number {
  return Object.values(by).reduce((total, count) => total + count, 0);
}
