/**
 * `mirrorball convert IN OUT`: recordings from one format to another, as their names end: `.gor`, `.har`, `.jsonl`, each also with
 * `.gz`. In: a file. Out: another one, whole or not at all, and a line for everything that could not be read or kept.
 */
import { defineTool } from "../component/define.ts";
import type { ToolContext, ToolDeclaration } from "../component/define.ts";
import { choice, flag } from "../component/kinds.ts";
import type { OptionSpec } from "../component/option.ts";
import { FORMAT_NAMES, formatOf } from "./convert/format.ts";
import type { FormatName, MessageReader, MessageWriter } from "./convert/format.ts";
import { gorWriter, readGor } from "./convert/gor.ts";
import { readHar } from "./convert/har-read.ts";
import { harWriter } from "./convert/har-write.ts";
import { jsonLinesWriter, readJsonLines } from "./convert/json-lines.ts";
import { FileSink } from "./convert/sink.ts";

/** Faults told one by one. */
const FAULTS_TOLD_MAX = 10;
/** Of what writes, for the `creator` of a HAR. */
const HAR_CREATOR_VERSION = "1";
const ANY = "by-name";

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

type FormatChoice = FormatName | typeof ANY;

const options: {
  from: OptionSpec<FormatChoice>;
  to: OptionSpec<FormatChoice>;
  overwrite: OptionSpec<boolean>;
} = {
  from: choice([...FORMAT_NAMES, ANY], {
    flag: "from",
    help: "The format of IN, when its name does not say.",
    example: "gor",
    default: ANY,
  }),
  to: choice([...FORMAT_NAMES, ANY], {
    flag: "to",
    help: "The format of OUT, when its name does not say.",
    example: "jsonl",
    default: ANY,
  }),
  overwrite: flag({ flag: "overwrite", help: "Replace OUT when it exists.", default: false }),
};

export const convert: ToolDeclaration<typeof options> = defineTool({
  name: "convert",
  firstPage: "turn recordings into .gor, .har or .jsonl",
  summary: "Convert recordings between .gor, .har (HAR 1.2) and .jsonl, each also as .gz.",
  operands: ["IN", "OUT"],
  example: "mirrorball convert requests_0.gor requests.har",
  options,
  execute: async (context, [input = "", output = ""], { from, to, overwrite }) => {
    const source = from === ANY ? formatOf(input) : from;
    const target = to === ANY ? formatOf(output) : to;
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
  },
});

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
