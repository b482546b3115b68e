/** `--http-allow-method GET`: only requests with one of these methods go on. Methods are compared as they are written. */
import { defineStage } from "../component/define.ts";
import type { StageDeclaration } from "../component/define.ts";
import type { OptionSpec } from "../component/option.ts";
import { FilterStage } from "./rules/filter-stage.ts";
import { methods } from "./rules/kinds.ts";
import { gorRules } from "./rules/options.ts";

const options: { methods: OptionSpec<readonly string[]>; gorRules: OptionSpec<boolean> } = {
  methods: methods({
    flag: "http-allow-method",
    aliases: ["output-http-method"],
    help: "Only requests with this method go on. May be repeated: any of them will do.",
    example: "GET",
  }),
  gorRules,
};

export const allowMethod: StageDeclaration<typeof options> = defineStage({
  name: "allow-method",
  summary: "Leave out requests by their method.",
  options,
  create: ({ methods, gorRules }) => {
    if (methods.length === 0) return undefined;
    const allowed = new Set(methods);
    return new FilterStage({
      reason: "allow-method",
      fate: "filtered",
      passesUnparsable: gorRules,
      passes: ({ method }) => allowed.has(method),
    });
  },
});
