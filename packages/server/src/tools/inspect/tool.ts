/** What `mirrorball inspect` does. */
import type { Message } from "@mirrorball/protocol";
import type { ToolContext } from "../../component/define.ts";
import { RecordMerge } from "../../files/merge.ts";
import type { RecordFileInfo } from "../../files/record-file.ts";
import { recordings } from "../../files/recordings.ts";
import { readable } from "./readable.ts";
import { Tally } from "./tally.ts";
import { otherFormat } from "../../files/other-format.ts";
import type { InspectOptions } from "../inspect.ts";
import type { ToolOutcome } from "../../component/define.ts";

export async function execute(
  context: ToolContext,
  patterns: readonly string[],
  { tail }: InspectOptions,
): Promise<ToolOutcome> {
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
}

/** Records held to put them in order of time; gor's depth. */
const DEPTH = 100;

const NAMES_MAX = 20;

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
