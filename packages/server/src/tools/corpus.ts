/**
 * `mirrorball corpus RECORDING… -o FILE`: a small recording for CI, made from large ones: an exchange for each endpoint, status and shape, with what
 * it depends on. In: recordings, read twice. Out: a recording in gor's format, whole or not at all. Nothing is sent.
 */
import { defineTool } from "../component/define.ts";
import type { ToolDeclaration } from "../component/define.ts";
import { flag, text } from "../component/kinds.ts";
import type { OptionSpec, OptionValues } from "../component/option.ts";

const options: { output: OptionSpec<string>; overwrite: OptionSpec<boolean> } = {
  output: text({
    flag: "output",
    aliases: ["o"],
    help: "The recording to write.",
    example: "ci/requests.gor",
    placeholder: "FILE",
    default: "",
  }),
  overwrite: flag({ flag: "overwrite", help: "Replace FILE when it exists.", default: false }),
};

export const corpus: ToolDeclaration<typeof options> = defineTool({
  name: "corpus",
  firstPage: "make a small recording for CI of large ones",
  summary:
    "Make a small recording for CI: one exchange for each endpoint, status and shape of request and answer, with what it depends on.",
  operands: ["RECORDING..."],
  example: "mirrorball corpus requests_*.gor -o ci/requests.gor",
  options,
  load: () => import("./corpus/tool.ts"),
});

export type CorpusOptions = OptionValues<typeof options>;
