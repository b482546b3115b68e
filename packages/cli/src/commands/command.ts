/** What every sub-command is and shares: its shape, exit codes, complaints, the version. */
import { readFileSync } from "node:fs";
import { isatty } from "node:tty";
import { standardError, standardOutput } from "@mirrorball/server/declarations";
import type { ProgressTarget } from "./progress.ts";

/** Takes the words behind its name; sets the exit code itself. */
export type Command = (args: readonly string[]) => Promise<void>;

/** Something was lost or could not start. */
export const EXIT_LOST = 1;
/** The words were wrong. */
export const EXIT_USAGE = 2;
/** What was compared is not the same. */
export const EXIT_DIFFERENT = 3;
/** A second signal ended it at once. */
export const EXIT_INTERRUPTED = 130;

export function asksForHelp(args: readonly string[]): boolean {
  return args.some((word) => /^--?(?:help|h)$/.test(word));
}

export function complain(...lines: readonly string[]): void {
  for (const line of lines) standardError.say(`mirrorball: ${line}\n`);
}

/**
 * Prints what was asked for. Resolves with true when it was taken, also by a reader that went away (`| head`): it has what it wanted.
 * Otherwise it complains.
 */
export async function print(text: string): Promise<boolean> {
  const fault = await standardOutput.write(text);
  if (fault === undefined || fault.code === "EPIPE") return true;
  complain(`standard output cannot be written: ${fault.code}`);
  return false;
}

/** The same for a command that does nothing else: what cannot be shown is its exit code. */
export async function show(text: string): Promise<void> {
  if (!(await print(text))) process.exitCode = EXIT_LOST;
}

export function version(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const parsed: unknown = JSON.parse(text);
  const found = typeof parsed === "object" && parsed !== null && "version" in parsed;
  return found ? String(parsed.version) : "unknown";
}

/** Resolves at the first SIGINT or SIGTERM, or when the terminal is gone; a second SIGINT or SIGTERM ends the process at once. */
export function signalled(): Promise<void> {
  return new Promise((resolve) => {
    let seen = false;
    const onSignal = (): void => {
      if (seen) process.exit(EXIT_INTERRUPTED);
      seen = true;
      resolve();
    };
    process.on("SIGINT", onSignal);
    process.on("SIGTERM", onSignal);
    // A terminal that closes may say so twice: that must not cut the drain short.
    if ([0, 1, 2].some(isatty)) process.on("SIGHUP", () => resolve());
  });
}

/** Where progress is shown. */
export const terminal: ProgressTarget = {
  get columns() {
    return standardError.columns;
  },
  write: (text) => standardError.say(text),
};
