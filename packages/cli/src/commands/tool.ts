/** The sub-commands that the server library declares as tools: words to operands and options, result to exit code. */
import { toolCall, toolHelpText } from "@mirrorball/server";
import type { ToolContext, ToolDeclaration } from "@mirrorball/server";
import { EXIT_LOST, EXIT_USAGE, asksForHelp, complain } from "./command.ts";
import type { Command } from "./command.ts";

export function toolCommand(tool: ToolDeclaration): Command {
  return async (words) => {
    if (asksForHelp(words)) {
      process.stdout.write(toolHelpText(tool));
      return;
    }
    const call = toolCall(tool, words);
    if ("errors" in call) {
      complain(...call.errors, `see mirrorball ${tool.name} --help`);
      process.exitCode = EXIT_USAGE;
      return;
    }
    const isFine = await tool.execute(context, call.operands, call.options);
    if (!isFine) process.exitCode = EXIT_LOST;
  };
}

const context: ToolContext = {
  print,
  complain,
};

/** Resolves when it was taken, also by a reader that went away (`| head`). */
function print(text: string): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.once("error", () => resolve());
    process.stdout.write(text, () => resolve());
  });
}
