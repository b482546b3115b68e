/**
 * `mirrorball learn RECORDING… -o FILE`: finds in recordings where the short ids of requests come from, and writes rules for people to review
 * and for `--correlate FILE`. Nothing is sent.
 */
import { writeFile } from "node:fs/promises";
import { defineTool } from "../component/define.ts";
import type { ToolDeclaration } from "../component/define.ts";
import { text } from "../component/kinds.ts";
import type { OptionSpec } from "../component/option.ts";
import { RuleScan } from "../core/correlate/scan.ts";
import { RecordMerge } from "../files/merge.ts";
import { recordings } from "../files/recordings.ts";
import { rulesText } from "../files/rules-file.ts";

const DEPTH = 100;

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
  execute: async (context, patterns, { output }) => {
    try {
      const paths = patterns.flatMap((pattern) => {
        const found = recordings(pattern);
        if (found.length === 0) throw new Error(`no file matches ${pattern}`);
        return found;
      });
      const fault = (_: string, explanation: string): void => context.complain(explanation);
      const merge = await RecordMerge.open(paths, { epochSeconds: 0, depth: DEPTH, fault });
      const scan = new RuleScan();
      while (merge.ready || (await merge.load())) {
        const message = merge.take();
        if (message !== undefined) scan.see([message]);
      }
      merge.close();
      const rules = rulesText(scan.rules());
      if (output === "") await context.print(rules);
      else await writeFile(output, rules);
      return true;
    } catch (error) {
      context.complain(error instanceof Error ? error.message : String(error));
      return false;
    }
  },
});
