/**
 * `mirrorball page FILE...`: shows recordings, and the report of a comparison, in the page that a run has. In: files. Out: an address to open; it serves
 * until it is stopped.
 */
import { defineTool } from "../component/define.ts";
import type { ToolDeclaration } from "../component/define.ts";
import { size, text } from "../component/kinds.ts";
import type { OptionSpec, OptionValues } from "../component/option.ts";
import { checkTcpAddress } from "../engine/plan/tcp-address.ts";

const MEMORY_BYTES_DEFAULT: number = 512 * 1024 * 1024;
const MEMORY_BYTES_MIN: number = 1024 * 1024;

const options: {
  address: OptionSpec<string>;
  memoryBytes: OptionSpec<number>;
} = {
  address: {
    ...text({
      flag: "page",
      help: "Where to listen; without a host, on this machine only. Port 0 is one that is free.",
      example: ":8282",
      placeholder: "ADDRESS",
      default: ":0",
    }),
    parse: checkTcpAddress,
  },
  memoryBytes: size({
    flag: "page-memory",
    help: "Bytes of exchanges that are held; of recordings that have more, the last ones are shown.",
    example: "2gb",
    default: MEMORY_BYTES_DEFAULT,
    min: MEMORY_BYTES_MIN,
  }),
};

export const pageTool: ToolDeclaration<typeof options> = defineTool({
  name: "page",
  firstPage: "look at recordings and reports in a browser",
  summary:
    "Show recordings, and the JSON report of a comparison, in a browser, without a replay server.",
  operands: ["FILE..."],
  example: "mirrorball page requests_*.gor report.json",
  options,
  load: () => import("./page/tool.ts"),
});

export type PageValues = OptionValues<typeof options>;
