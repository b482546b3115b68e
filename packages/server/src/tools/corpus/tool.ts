/** What `mirrorball corpus` does: reads the recordings twice, once to choose and once to copy what was chosen. */
import type { ToolContext, ToolOutcome } from "../../component/define.ts";
import { CorpusChoice, EXCHANGES_MAX } from "../../core/corpus/choice.ts";
import { pathsOf, readRecordings } from "../../files/read-recordings.ts";
import { gorWriter } from "../convert/gor.ts";
import { FileSink } from "../convert/sink.ts";
import type { CorpusOptions } from "../corpus.ts";

export async function execute(
  context: ToolContext,
  patterns: readonly string[],
  { output, overwrite }: CorpusOptions,
): Promise<ToolOutcome> {
  if (output === "") {
    context.complain("--output FILE must be given");
    return "usage";
  }
  let sink: FileSink | undefined;
  try {
    const paths = pathsOf(patterns);
    const choice = new CorpusChoice();
    await readRecordings(
      paths,
      (fault) => context.complain(fault),
      async (batch) => {
        for (const message of batch) choice.see(message);
      },
    );
    if (choice.count === 0) throw new Error("there are no requests to choose from");
    sink = await FileSink.open(output, overwrite);
    return await write(context, paths, choice, sink, output);
  } catch (error) {
    await sink?.abandon();
    context.complain(error instanceof Error ? error.message : String(error));
    return false;
  }
}

async function write(
  context: ToolContext,
  paths: readonly string[],
  choice: CorpusChoice,
  sink: FileSink,
  output: string,
): Promise<boolean> {
  const chosen = choice.chosen();
  const writer = gorWriter(sink);
  // What is wrong with the recordings was told when they were first read.
  await readRecordings(
    paths,
    () => {},
    async (batch) => {
      const kept = batch.filter(({ id }) => chosen.has(id));
      if (kept.length > 0) await writer.write(kept);
    },
  );
  const lost = await writer.end();
  await sink.end();
  for (const [what, number] of lost) {
    context.complain(`${output} cannot keep ${what}: ${number} left out`);
  }
  if (choice.passedOver > 0) {
    context.complain(
      `${choice.passedOver} requests behind the first ${EXCHANGES_MAX} were not looked at`,
    );
  }
  await context.print(`${chosen.size} of ${choice.count} exchanges written to ${output}\n`);
  return lost.size === 0 && choice.passedOver === 0;
}
