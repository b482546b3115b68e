/**
 * `--middleware`: passes every message through a program (gor's hex lines) or a plugin (a module in a worker), which
 * changes, drops or adds messages.
 *
 * Which of the two a value names is decided here; how each is run is in the folder of this name.
 */
import { defineRelay } from "../component/define.ts";
import type { RelayDeclaration } from "../component/define.ts";
import { duration } from "../component/kinds.ts";
import { Refusal } from "../component/option.ts";
import type { OptionSpec } from "../component/option.ts";
import { splitCommand } from "../core/middleware/command.ts";
import { ChildPeer } from "./middleware/child.ts";
import { Supervisor } from "./middleware/supervisor.ts";

const options: {
  command: OptionSpec<string>;
  timeoutMs: OptionSpec<number>;
} = {
  command: {
    flag: "middleware",
    help: "Pass all traffic through a program that speaks gor's hex lines on standard input and output. No shell: quotes and backslashes work, the rest needs sh -c '…'.",
    example: "'./mask.py --strict'",
    placeholder: "COMMAND",
    kind: "value",
    default: "",
    parse: (raw) => {
      const split = splitCommand(raw);
      return "rule" in split ? new Refusal(split.rule) : raw;
    },
  },
  timeoutMs: duration({
    help: "How long the middleware may read and return nothing, while messages wait, before it is reported as hanging.",
    example: "30s",
    default: 10_000,
    min: 100,
  }),
};

export const middleware: RelayDeclaration<typeof options> = defineRelay({
  name: "middleware",
  summary: "Change, drop or add messages in a program of your own.",
  options,
  create: (context, { command, timeoutMs }) => {
    if (command === "") return undefined;
    const split = splitCommand(command);
    if ("rule" in split) throw new Error(`--middleware: ${split.rule}`);
    return new Supervisor(context, {
      timeoutMs,
      restartWhenHung: false,
      launch: (events) => new ChildPeer(split.words, context, events),
    });
  },
});
