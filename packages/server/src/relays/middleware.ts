/**
 * `--middleware`: passes every message through a program (gor's hex lines) or a plugin (a module in a worker), which
 * changes, drops or adds messages.
 *
 * Which of the two a value names is decided here; how each is run is in the folder of this name.
 */
import { defineRelay } from "../component/define.ts";
import type { RelayDeclaration } from "../component/define.ts";
import { choice, duration } from "../component/kinds.ts";
import { maskArguments } from "../component/mask.ts";
import { Refusal } from "../component/option.ts";
import type { OptionSpec } from "../component/option.ts";
import { splitCommand } from "../core/middleware/command.ts";
import type { OptionValues } from "../component/option.ts";

const options: {
  command: OptionSpec<string>;
  timeoutMs: OptionSpec<number>;
  onError: OptionSpec<"pass" | "drop">;
} = {
  command: {
    flag: "middleware",
    firstPage: "pass all traffic through a program or plugin",
    help: "Pass all traffic through a program that speaks gor's hex lines on standard input and output, or through a plugin: a single path that ends in .mjs, .cjs, .js, .mts, .cts or .ts and does not begin with #!. Quotes and backslashes work as in a shell, nothing else does.",
    example: "./mask.mjs",
    placeholder: "COMMAND",
    kind: "value",
    default: "",
    show: maskArguments,
    parse: (raw) => {
      const split = splitCommand(raw);
      return "rule" in split ? new Refusal(split.rule) : raw;
    },
  },
  timeoutMs: duration({
    help: "How long the middleware may read and return nothing, while messages wait, before it is reported as hanging; a plugin is then started again.",
    example: "30s",
    default: 10_000,
    min: 100,
  }),
  onError: choice(["pass", "drop"], {
    help: "What becomes of a message when a plugin's handler throws: it is passed on unchanged, or dropped and counted as lost.",
    default: "pass",
  }),
};

export const middleware: RelayDeclaration<typeof options> = defineRelay({
  name: "middleware",
  summary: "Change, drop or add messages in a program of your own.",
  options,
  isWanted: ({ command }) => command !== "",
  load: () => import("./middleware/relay.ts"),
});

export type MiddlewareOptions = OptionValues<typeof options>;
