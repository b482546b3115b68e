/**
 * The `mirrorball` command: words in, exit code out. The first word may name a sub-command; without one, it runs.
 *
 * Exit codes: 0, done; 1, something was lost or could not start; 2, the words were wrong; 130, a second signal ended it at
 * once.
 */
import { catalogue } from "@mirrorball/server";
import { check } from "./commands/check.ts";
import type { Command } from "./commands/command.ts";
import { run } from "./commands/run.ts";
import { toolCommand } from "./commands/tool.ts";

/** The sub-commands there are: those of this folder, and the tools that the server library declares. */
const commands: Readonly<Record<string, Command>> = {
  check,
  run,
  ...Object.fromEntries(catalogue.tools.map((tool) => [tool.name, toolCommand(tool)])),
};

/** Does what the words ask for; sets the exit code. */
export async function main(words: readonly string[]): Promise<void> {
  const [name = "", ...rest] = words;
  // Own keys only: `mirrorball constructor` is a stray word.
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  await (command === undefined ? run(words) : command(rest));
}
