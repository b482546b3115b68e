/** `--http-disallow-header NAME:REGEXP`: requests with a field that matches are left out. */
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
    flag: "http-disallow-header",
    help: "Leave out requests with this field and a value that matches. May be repeated: any of them will do.",
    example: "'User-Agent: Replayed by Gor'",
  }),
  gorRules,
};

export const disallowHeader: StageDeclaration<typeof options> = defineStage({
  name: "disallow-header",
  summary: "Leave out requests whose header fields match.",
  options,
  create: ({ headers: rules, gorRules }) => {
    if (rules.length === 0) return undefined;
    return new FilterStage({
      reason: "disallow-header",
      fate: "filtered",
      passesUnparsable: true,
      passes: ({ headers }) => !rules.some((rule) => headerMatches(headers, rule, gorRules)),
    });
  },
});
