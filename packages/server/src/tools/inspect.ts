/**
 * `mirrorball inspect FILE...`: what recordings hold, and with `--tail` their last records for reading. In: files. Out: text on
 * standard output; what could not be read is told on standard error.
 */
import { defineTool } from "../component/define.ts";
import type { ToolDeclaration } from "../component/define.ts";
import { integer } from "../component/kinds.ts";
import type { OptionSpec, OptionValues } from "../component/option.ts";

/** Each may hold a piece of a file in memory. */
const TAIL_MAX = 1000;

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
  load: () => import("./inspect/tool.ts"),
});

export type InspectOptions = OptionValues<typeof options>;
