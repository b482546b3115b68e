/** `--http-allow-url REGEXP`: only requests whose path and query match go on. The host is not looked at, as in gor. */
import { defineStage } from "../component/define.ts";
import type { StageDeclaration } from "../component/define.ts";
import type { OptionSpec } from "../component/option.ts";
import type { Pattern } from "../core/regexp/regexp.ts";
import { FilterStage } from "./rules/filter-stage.ts";
import { patterns } from "./rules/kinds.ts";
import { gorRules } from "./rules/options.ts";

const options: { urls: OptionSpec<readonly Pattern[]>; gorRules: OptionSpec<boolean> } = {
  urls: patterns({
    flag: "http-allow-url",
    firstPage: "let only requests with such a path go on",
    aliases: ["output-http-url-regexp"],
    help: "Only requests whose path and query match go on. May be repeated: any of them will do.",
    example: "^/api/",
  }),
  gorRules,
};

export const allowUrl: StageDeclaration<typeof options> = defineStage({
  name: "allow-url",
  summary: "Leave out requests whose path and query match nothing.",
  options,
  create: ({ urls, gorRules }) => {
    if (urls.length === 0) return undefined;
    return new FilterStage({
      reason: "allow-url",
      fate: "filtered",
      passesUnparsable: gorRules,
      passes: ({ target }) => urls.some((pattern) => pattern.test(target)),
    });
  },
});
