/** The sub-commands that the server library declares as tools: words to operands and options, result to exit code. */
import { standardError, toolCall } from "@mirrorball/server";
import type { ToolContext, ToolDeclaration, ToolOutcome } from "@mirrorball/server";
import { toolHelpText } from "@mirrorball/server/declarations";
import {
  EXIT_DIFFERENT,
  EXIT_LOST,
  EXIT_USAGE,
  asksForHelp,
  complain,
  print,
  show,
  signalled,
  terminal,
} from "./command.ts";
import { ProgressLine } from "./progress.ts";

export async function runTool(tool: ToolDeclaration, args: readonly string[]): Promise<void> {
  if (asksForHelp(args)) {
    await show(toolHelpText(tool));
    return;
  }
  const call = toolCall(tool, args);
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
    watch,
    // Listening to signals keeps them from ending the process: only who asks for it is to do so.
    get interrupted() {
      return signalled();
    },
  };
  const { execute } = await tool.load();
  const outcome = await execute(context, call.operands, call.options);
  process.exitCode = isPrinted ? exitCodeOf(outcome) : EXIT_LOST;
}

function exitCodeOf(outcome: ToolOutcome): number {
  if (outcome === "different") return EXIT_DIFFERENT;
  if (outcome === "usage") return EXIT_USAGE;
  return outcome ? 0 : EXIT_LOST;
}

const watch: ToolContext["watch"] = (read) => {
  if (!standardError.isTerminal) return () => {};
  const line = new ProgressLine(terminal, read);
  line.start();
  return () => line.stop();
};
