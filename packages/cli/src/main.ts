/**
 * The `mirrorball` command: words in, exit code out.
 *
 * Exit codes: 0, all that was accepted was delivered, filtered or limited; 1, something was lost or could not start;
 * 2, the words were wrong; 130, a second signal ended it at once. SIGINT and SIGTERM deliver what was accepted first
 * (gor exits 1 and drops it).
 */
import { readFileSync } from "node:fs";
import {
  ReplayServer,
  catalogue,
  flagsOf,
  helpText,
  planFrom,
  summaryText,
} from "@mirrorball/server";

const EXIT_LOST = 1;
const EXIT_USAGE = 2;
const EXIT_INTERRUPTED = 130;

/** Runs until the inputs end, a signal comes or the time is up; sets the exit code. */
export async function main(words: readonly string[]): Promise<void> {
  if (words.some((word) => /^--?(?:help|h)$/.test(word))) {
    process.stdout.write(helpText(flagsOf(catalogue), version()));
    return;
  }
  if (words.some((word) => /^--?version$/.test(word))) {
    process.stdout.write(`${version()}\n`);
    return;
  }
  const made = planFrom(words, catalogue);
  if ("errors" in made) {
    complain(...made.errors);
    if (words.length === 0) complain("see mirrorball --help");
    process.exitCode = EXIT_USAGE;
    return;
  }
  let server: ReplayServer;
  try {
    server = new ReplayServer(made.plan, { log: (line) => process.stderr.write(`${line}\n`) });
    await server.start();
  } catch (error) {
    complain(error instanceof Error ? error.message : String(error));
    process.exitCode = EXIT_LOST;
    return;
  }
  await Promise.race([server.ended, signalled(), elapsed(made.plan.run.exitAfterMs)]);
  const counters = await server.stop();
  process.stderr.write(summaryText(counters));
  // Not process.exit: what is still in the pipes of stdout and stderr must get out.
  process.exitCode = counters.lost === 0 ? 0 : EXIT_LOST;
}

/** Resolves at the first SIGINT or SIGTERM; the second ends the process at once. */
function signalled(): Promise<void> {
  return new Promise((resolve) => {
    let seen = false;
    const onSignal = (): void => {
      if (seen) process.exit(EXIT_INTERRUPTED);
      seen = true;
      resolve();
    };
    process.on("SIGINT", onSignal);
    process.on("SIGTERM", onSignal);
  });
}

function elapsed(ms: number): Promise<void> {
  return new Promise((resolve) => {
    if (ms > 0) setTimeout(resolve, ms).unref();
  });
}

function complain(...lines: string[]): void {
  for (const line of lines) process.stderr.write(`mirrorball: ${line}\n`);
}

function version(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  const parsed: unknown = JSON.parse(text);
  const found = typeof parsed === "object" && parsed !== null && "version" in parsed;
  return found ? String(parsed.version) : "unknown";
}
