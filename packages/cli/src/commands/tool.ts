/** The sub-commands that the server library declares as tools: words to operands and options, result to exit code. */
import { toolCall, toolHelpText } from "@mirrorball/server";
import type { ToolContext, ToolDeclaration } from "@mirrorball/server";
import { EXIT_LOST, EXIT_USAGE, asksForHelp, complain, print, show } from "./command.ts";
import type { Command } from "./command.ts";

export function toolCommand(tool: ToolDeclaration): Command {
  return async (words) => {
    if (asksForHelp(words)) {
      await show(toolHelpText(tool));
      return;
    }
    const call = toolCall(tool, words);
    if ("errors" in call) {
      complain(...call.errors, `see mirrorball ${tool.name} --help`);
      process.exitCode = EXIT_USAGE;
      return;
    }
    let isPrinted = true;
    const context: ToolContext = {
      complain,
      print: async (text) => {
        // One complaint is enough.
        if (isPrinted) isPrinted = await print(text);
      },
    };
    const isFine = await tool.execute(context, call.operands, call.options);
    if (!isFine || !isPrinted) process.exitCode = EXIT_LOST;
  };
}
