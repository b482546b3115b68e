/**
 * `mirrorball inspect FILE...`: what recordings hold, and with `--tail` their last records for reading. In: files. Out: text on
 * standard output; what could not be read is told on standard error.
 */
import type { Message } from "@mirrorball/protocol";
import { defineTool } from "../component/define.ts";
import type { ToolContext, ToolDeclaration } from "../component/define.ts";
import { integer } from "../component/kinds.ts";
import type { OptionSpec } from "../component/option.ts";
import { RecordMerge } from "../files/merge.ts";
import type { RecordFileInfo } from "../files/record-file.ts";
import { recordings } from "../files/recordings.ts";
import { readable } from "./inspect/readable.ts";
import { Tally } from "./inspect/tally.ts";
import { otherFormat } from "../files/other-format.ts";

/** Records held to put them in order of time; gor's depth. */
const DEPTH = 100;
/** Each may hold a piece of a file in memory. */
const TAIL_MAX = 1000;
const NAMES_MAX = 20;

const options: { tail: OptionSpec<number> } = {
  tail: integer({
    flag: "tail",
    help: "Print the last N records instead of figures; 10 when no number is given.",
    example: "3",
    default: 0,
    defaultText: "",
    bare: "10",
    min: 1,
    max: TAIL_MAX,
  }),
};

export const inspect: ToolDeclaration<typeof options> = defineTool({
  name: "inspect",
  firstPage: "show what recordings hold",
  summary:
    "Show what recordings hold: counts by method, status, host and route, sizes, the time they span.",
  operands: ["FILE..."],
  example: "mirrorball inspect requests_0.gor 'archive/*.gz' --tail 3",
  options,
  execute: async (context, patterns, { tail }) => {
    let isWhole = true;
    const fault = (_: string, explanation: string): void => {
      isWhole = false;
      context.complain(explanation);
    };
    const merge = await open(context, patterns, fault);
    if (merge === undefined) return false;
    const tally = new Tally();
    const last: Message[] = [];
    while (merge.ready || (await merge.load())) {
      const message = merge.take();
      if (message === undefined) continue;
      if (tail === 0) tally.add(message);
      else last.push(message);
      // Cut in steps, so that it costs nothing a record.
      if (last.length >= tail * 2 && tail > 0) last.splice(0, last.length - tail);
    }
    if (tail > 0) for (const message of last.slice(-tail)) await context.print(readable(message));
    else {
      await context.print(namesOf(merge.files) + tally.report());
    }
    return isWhole;
  },
});

/** One line a file, for a screenful of them. */
function namesOf(files: readonly RecordFileInfo[]): string {
  const shown = files.slice(0, NAMES_MAX);
  const names = shown.map(({ path, sizeBytes }) => `${path}: ${sizeBytes} bytes\n`);
  const more = files.length - shown.length;
  return names.join("") + (more > 0 ? `and ${more} files more\n` : "");
}

/** Undefined when a pattern matches nothing or a file cannot be read; then it has complained. */
async function open(
  context: ToolContext,
  patterns: readonly string[],
  fault: (reason: string, explanation: string) => void,
): Promise<RecordMerge | undefined> {
  try {
    const paths: string[] = [];
    for (const pattern of patterns) {
      const found = recordings(pattern);
      if (found.length === 0) throw new Error(`no file matches ${pattern}`);
      paths.push(...found);
    }
    const merge = await RecordMerge.open([...new Set(paths)], {
      epochSeconds: 0,
      depth: DEPTH,
      fault,
    });
    const advice = merge.files.flatMap(({ path, isRecording }) =>
      isRecording ? [] : (otherFormat(path) ?? []),
    );
    if (advice.length === 0) return merge;
    merge.close();
    context.complain(advice.join("; "));
    return undefined;
  } catch (error) {
    context.complain(error instanceof Error ? error.message : String(error));
    return undefined;
  }
}
