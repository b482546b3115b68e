/**
 * `mirrorball [run] --input-… --output-…`: runs a plan until its inputs end, a signal comes or the time is up.
 *
 * SIGINT and SIGTERM deliver what was accepted first (gor exits 1 and drops it). SIGHUP does the same when one of the standard streams
 * is a terminal, which is then gone. Otherwise it never ends the run, as under `nohup` and as services use it: certificates are read
 * again and files opened anew; a config file that has changed is named, for its options need a restart.
 */
import { isatty } from "node:tty";
import {
  ReplayServer,
  catalogue,
  planFrom,
  standardError,
  standardOutput,
  summaryText,
  verdictOf,
} from "@mirrorball/server";
import { EXIT_LOST, EXIT_USAGE, complain, signalled, terminal } from "./command.ts";
import { ConfigWatch } from "./config-watch.ts";
import { ProgressLine } from "./progress.ts";

/** Milliseconds for readers of standard output and error to take the last words. */
const FLUSH_MS_MAX = 5000;

export async function run(args: readonly string[]): Promise<void> {
  const made = planFrom(args, catalogue);
  if ("errors" in made) {
    complain(...made.errors);
    if (args.length === 0) complain("see mirrorball --help");
    process.exitCode = EXIT_USAGE;
    return;
  }
  let server: ReplayServer | undefined;
  const line = new ProgressLine(terminal, () => server?.progress() ?? []);
  // Before anything listens: who sees a port open may send a signal at once.
  const interrupted = signalled();
  const configs = new ConfigWatch(made.plan.run.config);
  if (![0, 1, 2].some(isatty)) process.on("SIGHUP", () => reload(server, configs, line));
  try {
    server = await ReplayServer.create(made.plan, {
      log: (text) => line.log(text),
      onFatalDiskError,
    });
    await server.start();
  } catch (error) {
    complain(error instanceof Error ? error.message : String(error));
    process.exitCode = EXIT_LOST;
    return;
  }
  if (standardError.isTerminal) line.start();
  await Promise.race([server.ended, interrupted, elapsed(made.plan.run.exitAfterMs)]);
  const counters = await server.stop();
  line.stop();
  standardError.say(summaryText(counters));
  process.exitCode = verdictOf(counters).state === "whole" ? 0 : EXIT_LOST;
  await leave();
}

/** What is still in the pipes gets out; a reader that reads no more does not hold the process. */
async function leave(): Promise<void> {
  const flushed = await Promise.all([
    standardOutput.flushed(FLUSH_MS_MAX),
    standardError.flushed(FLUSH_MS_MAX),
  ]);
  if (flushed.includes(false)) process.exit();
}

function reload(server: ReplayServer | undefined, configs: ConfigWatch, line: ProgressLine): void {
  const again = server?.reload;
  line.log(
    again === undefined
      ? "mirrorball: SIGHUP: there is nothing to read again or to open anew; going on"
      : "mirrorball: SIGHUP: certificates are read again and files opened anew; options need a restart",
  );
  again?.();
  for (const file of configs.changed()) {
    line.log(
      `mirrorball: SIGHUP: ${file} has changed, and its options need a restart; mirrorball check --config ${file} says whether they are right`,
    );
  }
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
function onFatalDiskError(reason: string): void {
  complain(reason);
  process.kill(process.pid, "SIGKILL");
}
