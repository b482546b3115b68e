/** `--http-disallow-url REGEXP`: requests whose path and query match are left out. */
import { defineStage } from "../component/define.ts";
import type { StageDeclaration } from "../component/define.ts";
import type { OptionSpec } from "../component/option.ts";
import type { Pattern } from "../core/regexp/regexp.ts";
import { FilterStage } from "./rules/filter-stage.ts";
import { patterns } from "./rules/kinds.ts";

const options: { urls: OptionSpec<readonly Pattern[]> } = {
  urls: patterns({
    flag: "http-disallow-url",
    // gor 0.9.8 spelled it so.
    aliases: ["http-diallow-url"],
    help: "Leave out requests whose path and query match. May be repeated: any of them will do.",
    example: "^/health",
  }),
};

export const disallowUrl: StageDeclaration<typeof options> = defineStage({
  name: "disallow-url",
  summary: "Leave out requests whose path and query match.",
  options,
  create: ({ urls }) => {
    if (urls.length === 0) return undefined;
    return new FilterStage({
      reason: "disallow-url",
      fate: "filtered",
      passesUnparsable: true,
      passes: ({ target }) => !urls.some((pattern) => pattern.test(target)),
    });
  },
});
