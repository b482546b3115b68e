// Child processes for tests: the real command, applications that print `listening PORT`, and their ends.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";

export const root: string = fileURLToPath(new URL("../../..", import.meta.url));
const command = `${root}packages/cli/bin/mirrorball.mjs`;

export interface Program {
  readonly child: ChildProcess;
  /** What it printed so far. */
  readonly out: { stdout: string; stderr: string };
  /** Resolves with the exit code when all its output is here. */
  readonly ended: Promise<number | null>;
  /** Resolves when what it printed matches; rejects when it ends without. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
}

export function node(words: readonly string[], env: Record<string, string> = {}): Program {
  const child = spawn(process.execPath, words, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const out = { stdout: "", stderr: "" };
  const watchers = new Set<() => void>();
  const look = (): void => {
    for (const watcher of watchers) watcher();
  };
  child.stdout.on("data", (chunk: Buffer) => {
    out.stdout += chunk.toString();
    look();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    out.stderr += chunk.toString();
    look();
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const printed = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const watcher = (): void => {
        const match = pattern.exec(out.stdout) ?? pattern.exec(out.stderr);
        if (match === null) return;
        watchers.delete(watcher);
        resolve(match);
      };
      watchers.add(watcher);
      watcher();
      void ended.then((code) =>
        reject(new Error(`ended with ${code} before ${pattern}: ${out.stdout}${out.stderr}`)),
      );
    });
  return { child, out, ended, printed };
}

export function mirrorball(...words: string[]): Program {
  return node([command, ...words]);
}

/** Like `serving`, with little memory: a server that takes more than this many MB of heap is killed by its engine. */
export async function servingWithin(
  heapMb: number,
  ...words: string[]
): Promise<Program & { page: string }> {
  return servingBy((all) => node([`--max-old-space-size=${heapMb}`, command, ...all]), words);
}

/** Like `serving`, with more in its environment. */
export async function servingIn(
  env: Record<string, string>,
  ...words: string[]
): Promise<Program & { page: string }> {
  return servingBy((all) => node([command, ...all], env), words);
}

/** Starts the command with a counters page and waits until it serves. */
export async function serving(...words: string[]): Promise<Program & { page: string }> {
  return servingBy((all) => mirrorball(...all), words);
}

async function servingBy(
  start: (words: string[]) => Program,
  words: readonly string[],
): Promise<Program & { page: string }> {
  const page = `http://127.0.0.1:${await freePort()}/debug/vars`;
  const program = start([...words, "--http-pprof", new URL(page).host]);
  const ready = async (): Promise<boolean> => {
    try {
      return (await fetch(page)).ok;
    } catch {
      return false;
    }
  };
  while (program.child.exitCode === null && program.child.signalCode === null) {
    // The page is served before the inputs are: what listens last is asked last.
    if ((await ready()) && (await reachable(words))) return { ...program, page };
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`ended with ${program.child.exitCode}: ${program.out.stderr}`);
}

/** A connection to a TCP input would be counted; that the counters name all inputs is no proof. So: somebody listens there. */
async function reachable(words: readonly string[]): Promise<boolean> {
  const at = words.indexOf("--input-tcp");
  const port = Number(/:(\d+)$/.exec(words[at + 1] ?? "")?.[1]);
  if (at < 0 || Number.isNaN(port)) return true;
  if (existsSync(LISTENERS)) return listensByTable(port);
  // Elsewhere: the port is taken. To try that in the very moment in which the server wants it takes it away from it.
  const probe = createServer();
  return new Promise((resolve) => {
    probe.once("error", () => resolve(true));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(false)));
  });
}

/** Linux tells of all sockets: number, local address and port in hexadecimal, remote ones, state. */
const LISTENERS = "/proc/net/tcp";
const LISTENS = "0A";

function listensByTable(port: number): boolean {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return [LISTENERS, `${LISTENERS}6`].filter(existsSync).some((table) =>
    readFileSync(table, "latin1")
      .split("\n")
      .some((line) => {
        const [, local = "", , state] = line.trim().split(/\s+/);
        return local.endsWith(suffix) && state === LISTENS;
      }),
  );
}

export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
