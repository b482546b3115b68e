/** `--http-allow-header NAME:REGEXP`: only requests whose fields all match go on; one without the field does not. */
import { defineStage } from "../component/define.ts";
import type { StageDeclaration } from "../component/define.ts";
import type { OptionSpec } from "../component/option.ts";
import { FilterStage } from "./rules/filter-stage.ts";
import { headerMatches } from "./rules/header-matches.ts";
import { headerPatterns } from "./rules/kinds.ts";
import type { HeaderPattern } from "./rules/kinds.ts";
import { gorRules } from "./rules/options.ts";

const options: { headers: OptionSpec<readonly HeaderPattern[]>; gorRules: OptionSpec<boolean> } = {
  headers: headerPatterns({
    flag: "http-allow-header",
    aliases: ["output-http-header-filter"],
    help: "Only requests with this field, and a value that matches, go on. May be repeated: all of them must match.",
    example: "api-version:^v1",
  }),
  gorRules,
};

export const allowHeader: StageDeclaration<typeof options> = defineStage({
  name: "allow-header",
  summary: "Leave out requests whose header fields do not match.",
  options,
  create: ({ headers: rules, gorRules }) => {
    if (rules.length === 0) return undefined;
    return new FilterStage({
      reason: "allow-header",
      fate: "filtered",
      passesUnparsable: gorRules,
      passes: ({ headers }) => rules.every((rule) => headerMatches(headers, rule, gorRules)),
    });
  },
});
