/**
 * `mirrorball learn RECORDING… -o FILE`: finds in recordings where the short ids of requests come from, and writes rules for people to review
 * and for `--correlate FILE`. Nothing is sent.
 */
import { defineTool } from "../component/define.ts";
import type { ToolDeclaration } from "../component/define.ts";
import { text } from "../component/kinds.ts";
import type { OptionSpec, OptionValues } from "../component/option.ts";

const options: { output: OptionSpec<string> } = {
  output: text({
    flag: "output",
    aliases: ["o"],
    help: "Write the rules to this file instead of standard output.",
    example: "correlate.yaml",
    placeholder: "FILE",
    default: "",
  }),
};

export const learn: ToolDeclaration<typeof options> = defineTool({
  name: "learn",
  firstPage: "write rules for --correlate",
  summary: "Find in recordings where the ids in requests come from, as rules for --correlate.",
  operands: ["RECORDING..."],
  example: "mirrorball learn requests_*.gor -o correlate.yaml",
  options,
  load: () => import("./learn/tool.ts"),
});

export type LearnOptions = OptionValues<typeof options>;
