/** What `mirrorball learn` does. */
import { writeFile } from "node:fs/promises";
import { RuleScan } from "../../core/correlate/scan.ts";
import { RecordMerge } from "../../files/merge.ts";
import { recordings } from "../../files/recordings.ts";
import { rulesText } from "../../files/rules/rules-file.ts";
import type { LearnOptions } from "../learn.ts";
import type { ToolOutcome, ToolContext } from "../../component/define.ts";

export async function execute(
  context: ToolContext,
  patterns: readonly string[],
  { output }: LearnOptions,
): Promise<ToolOutcome> {
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
}

const DEPTH = 100;
