/** What `mirrorball convert` does. */
import type { ToolContext } from "../../component/define.ts";
import { BY_NAME, FORMAT_NAMES, formatOf } from "./format.ts";
import type { FormatName, MessageReader, MessageWriter } from "./format.ts";
import { gorWriter, readGor } from "./gor.ts";
import { readHar } from "./har-read.ts";
import { harWriter } from "./har-write.ts";
import { jsonLinesWriter, readJsonLines } from "./json-lines.ts";
import { FileSink } from "./sink.ts";
import type { ConvertOptions } from "../convert.ts";
import type { ToolOutcome } from "../../component/define.ts";

export async function execute(
  context: ToolContext,
  [input = "", output = ""]: readonly string[],
  { from, to, overwrite }: ConvertOptions,
): Promise<ToolOutcome> {
  const source = from === BY_NAME ? formatOf(input) : from;
  const target = to === BY_NAME ? formatOf(output) : to;
  if (source === undefined) return unnamed(context, input, "--from");
  if (target === undefined) return unnamed(context, output, "--to");
  let sink: FileSink | undefined;
  try {
    sink = await FileSink.open(output, overwrite);
    return await copy(context, READERS[source], input, WRITERS[target](sink), sink, output);
  } catch (error) {
    await sink?.abandon();
    context.complain(error instanceof Error ? error.message : String(error));
    return false;
  }
}

/** Faults told one by one. */
const FAULTS_TOLD_MAX = 10;

/** Of what writes, for the `creator` of a HAR. */
const HAR_CREATOR_VERSION = "1";

const READERS: Readonly<Record<FormatName, MessageReader>> = {
  gor: readGor,
  har: readHar,
  jsonl: readJsonLines,
};

const WRITERS: Readonly<Record<FormatName, (sink: FileSink) => MessageWriter>> = {
  gor: gorWriter,
  har: (sink) => harWriter(sink, HAR_CREATOR_VERSION),
  jsonl: jsonLinesWriter,
};

async function copy(
  context: ToolContext,
  reader: MessageReader,
  input: string,
  writer: MessageWriter,
  sink: FileSink,
  output: string,
): Promise<boolean> {
  let faults = 0;
  let count = 0;
  const fault = (explanation: string): void => {
    faults += 1;
    if (faults <= FAULTS_TOLD_MAX) context.complain(explanation);
  };
  for await (const batch of reader(input, fault)) {
    count += batch.length;
    await writer.write(batch);
  }
  const lost = await writer.end();
  await sink.end();
  if (faults > FAULTS_TOLD_MAX) context.complain(`and ${faults - FAULTS_TOLD_MAX} faults more`);
  for (const [what, number] of lost) {
    context.complain(`${output} cannot keep ${what}: ${number} left out`);
  }
  await context.print(`${count} records read from ${input}, written to ${output}\n`);
  return faults === 0 && lost.size === 0;
}

function unnamed(context: ToolContext, path: string, flagName: string): "usage" {
  context.complain(
    `the name ${JSON.stringify(path)} does not say its format; give ${flagName} ${FORMAT_NAMES.join("|")}`,
  );
  return "usage";
}
