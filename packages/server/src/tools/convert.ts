/**
 * `mirrorball convert IN OUT`: recordings from one format to another, as their names end: `.gor`, `.har`, `.jsonl`, each also with
 * `.gz`. In: a file. Out: another one, whole or not at all, and a line for everything that could not be read or kept.
 */
import { defineTool } from "../component/define.ts";
import type { ToolDeclaration } from "../component/define.ts";
import { choice, flag } from "../component/kinds.ts";
import type { OptionSpec } from "../component/option.ts";
import { BY_NAME, FORMAT_NAMES } from "./convert/format.ts";
import type { FormatName } from "./convert/format.ts";
import type { OptionValues } from "../component/option.ts";

type FormatChoice = FormatName | typeof BY_NAME;

const options: {
  from: OptionSpec<FormatChoice>;
  to: OptionSpec<FormatChoice>;
  overwrite: OptionSpec<boolean>;
} = {
  from: choice([...FORMAT_NAMES, BY_NAME], {
    flag: "from",
    help: "The format of IN, when its name does not say.",
    example: "gor",
    default: BY_NAME,
  }),
  to: choice([...FORMAT_NAMES, BY_NAME], {
    flag: "to",
    help: "The format of OUT, when its name does not say.",
    example: "jsonl",
    default: BY_NAME,
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
  load: () => import("./convert/tool.ts"),
});

export type ConvertOptions = OptionValues<typeof options>;
