/**
 * The `mirrorball` command: words in, exit code out. The first word may name a sub-command; without one, it runs.
 *
 * Exit codes: 0, done; 1, something was lost or could not start; 2, the words were wrong; 130, a second signal ended it at
 * once.
 */
import type { Command } from "./commands/command.ts";
import { run } from "./commands/run.ts";

/** The sub-commands there are. Adding one is a file in `commands/` and one line here. */
const commands: Readonly<Record<string, Command>> = { run };

/** Does what the words ask for; sets the exit code. */
export async function main(words: readonly string[]): Promise<void> {
  const [name = "", ...rest] = words;
  // Own keys only: `mirrorball constructor` is a stray word.
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  await (command === undefined ? run(words) : command(rest));
}
