/**
 * Reads recordings once, from beginning to end, for commands that look at all of it. In: paths, and who is told of faults and given batches. Out:
 * batches in order of time.
 */
import type { Message } from "@mirrorball/protocol";
import { RecordMerge } from "./merge.ts";
import { recordings } from "./recordings.ts";

const DEPTH = 100;
const BATCH_MAX = 256;

/** The files that names and patterns mean. Throws a sentence when one of them means none. */
export function pathsOf(patterns: readonly string[]): string[] {
  return patterns.flatMap((pattern) => {
    const found = recordings(pattern);
    if (found.length === 0) throw new Error(`no file matches ${pattern}`);
    return found;
  });
}

export async function readRecordings(
  paths: readonly string[],
  fault: (explanation: string) => void,
  take: (batch: readonly Message[]) => Promise<void>,
): Promise<void> {
  const merge = await RecordMerge.open([...paths], {
    epochSeconds: 0,
    depth: DEPTH,
    fault: (_, explanation) => fault(explanation),
  });
  let batch: Message[] = [];
  while (merge.ready || (await merge.load())) {
    const message = merge.take();
    if (message !== undefined) batch.push(message);
    if (batch.length < BATCH_MAX) continue;
    await take(batch);
    batch = [];
  }
  await take(batch);
  merge.close();
}
