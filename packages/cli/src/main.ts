/**
 * The `mirrorball` command: words in, exit code out. The first word may name a sub-command; without one, it runs.
 *
 * Exit codes: 0, done; 1, something was lost or could not start; 2, the words were wrong; 3, what was compared is not the same; 130,
 * a second signal ended it at once.
 */
import { catalogue, unknownCommand } from "@mirrorball/server/declarations";
import { EXIT_USAGE, asksForHelp, complain, show, version } from "./commands/command.ts";
import type { Command } from "./commands/command.ts";
import { help, helpWithin } from "./commands/help.ts";

const run: Command = async (args) => {
  if (asksForHelp(args)) await helpWithin(args);
  else if (args.some((word) => /^--?version$/.test(word))) await show(`${version()}\n`);
  else await (await import("./commands/run.ts")).run(args);
};

/** The sub-commands there are: those of this folder, and the tools that the server library declares. What runs is loaded when it is to. */
const commands: Readonly<Record<string, Command>> = {
  check: async (args) => (await import("./commands/check.ts")).check(args),
  help,
  run,
  ...Object.fromEntries(
    catalogue.tools.map((tool): [string, Command] => [
      tool.name,
      async (args) => (await import("./commands/tool.ts")).runTool(tool, args),
    ]),
  ),
};

/** Does what the words ask for; sets the exit code. */
export async function main(args: readonly string[]): Promise<void> {
  const [name = "", ...rest] = args;
  // Own keys only: `mirrorball constructor` is a stray word.
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command !== undefined) {
    await command(rest);
    return;
  }
  const fault = asksForHelp(rest) ? undefined : unknownCommand(name, Object.keys(commands));
  if (fault === undefined) {
    await run(args);
    return;
  }
  complain(fault);
  process.exitCode = EXIT_USAGE;
}
