/**
 * `mirrorball [run] --input-… --output-…`: runs a plan until its inputs end, a signal comes or the time is up.
 *
 * SIGINT and SIGTERM deliver what was accepted first (gor exits 1 and drops it).
 */
import {
  ReplayServer,
  catalogue,
  flagsOf,
  helpText,
  planFrom,
  summaryText,
} from "@mirrorball/server";
import {
  EXIT_INTERRUPTED,
  EXIT_LOST,
  EXIT_USAGE,
  asksForHelp,
  complain,
  version,
} from "./command.ts";
import { ProgressLine } from "./progress.ts";

export async function run(words: readonly string[]): Promise<void> {
  if (asksForHelp(words)) {
    process.stdout.write(helpText(flagsOf(catalogue), version(), catalogue.tools));
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
  const line = new ProgressLine(process.stderr, () => server.progress());
  // Before anything listens: who sees a port open may send a signal at once.
  const interrupted = signalled();
  try {
    server = new ReplayServer(made.plan, { log: (text) => line.log(text), dead });
    await server.start();
    // Without anything to read again SIGHUP keeps its usual meaning: the terminal is gone.
    const { reload } = server;
    if (reload !== undefined) process.on("SIGHUP", reload);
  } catch (error) {
    complain(error instanceof Error ? error.message : String(error));
    process.exitCode = EXIT_LOST;
    return;
  }
  if (process.stderr.isTTY) line.start();
  await Promise.race([server.ended, interrupted, elapsed(made.plan.run.exitAfterMs)]);
  const counters = await server.stop();
  line.stop();
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

/**
 * The journal's disk has failed for good as far as this process goes. A signal that nothing handles is the only end that does not
 * wait for a thread which may never come back; what was acknowledged is on disk.
 */
function dead(reason: string): void {
  complain(reason);
  process.kill(process.pid, "SIGKILL");
}
