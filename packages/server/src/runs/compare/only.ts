/**
 * `--only ID`: one exchange of the recordings, and those of its session that it needs, as a recording of its own. In: recordings, read twice, and
 * an id. Out: what the comparison of that recording gives; the file is gone afterwards.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ToolContext, ToolOutcome } from "../../component/define.ts";
import { CorpusChoice } from "../../core/corpus/choice.ts";
import { pathsOf, readRecordings } from "../../files/read-recordings.ts";
import { gorWriter } from "../../tools/convert/gor.ts";
import { FileSink } from "../../tools/convert/sink.ts";

export async function withOnly(
  context: ToolContext,
  patterns: readonly string[],
  id: string,
  compare: (recordings: readonly string[]) => Promise<ToolOutcome>,
): Promise<ToolOutcome> {
  const folder = await mkdtemp(join(tmpdir(), "mirrorball-only-"));
  try {
    const file = join(folder, "only.gor");
    await writeNeeded(context, pathsOf(patterns), id, file);
    return await compare([file]);
  } catch (error) {
    context.complain(error instanceof Error ? error.message : String(error));
    return false;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Throws a sentence when the recordings have no such exchange. */
async function writeNeeded(
  context: ToolContext,
  paths: readonly string[],
  id: string,
  file: string,
): Promise<void> {
  const choice = new CorpusChoice();
  await readRecordings(
    paths,
    (fault) => context.complain(fault),
    async (batch) => {
      for (const message of batch) choice.see(message);
    },
  );
  const needed = choice.neededFor(id);
  if (needed.size === 0) throw new Error(`--only: no recorded request has the id ${id}`);
  const sink = await FileSink.open(file, false);
  const writer = gorWriter(sink);
  await readRecordings(
    paths,
    () => {},
    async (batch) => {
      const kept = batch.filter((message) => needed.has(message.id));
      if (kept.length > 0) await writer.write(kept);
    },
  );
  await writer.end();
  await sink.end();
}
