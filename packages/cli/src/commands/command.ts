/** What every sub-command is and shares: its shape, exit codes, complaints, the version. */
import { readFileSync } from "node:fs";

/** Takes the words behind its name; sets the exit code itself. */
export type Command = (words: readonly string[]) => Promise<void>;

/** Something was lost or could not start. */
export const EXIT_LOST = 1;
/** The words were wrong. */
export const EXIT_USAGE = 2;
/** A second signal ended it at once. */
export const EXIT_INTERRUPTED = 130;

export function asksForHelp(words: readonly string[]): boolean {
  return words.some((word) => /^--?(?:help|h)$/.test(word));
}

export function complain(...lines: readonly string[]): void {
  for (const line of lines) process.stderr.write(`mirrorball: ${line}\n`);
}

export function version(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const parsed: unknown = JSON.parse(text);
  const found = typeof parsed === "object" && parsed !== null && "version" in parsed;
  return found ? String(parsed.version) : "unknown";
}
