/** `--http-set-param NAME=VALUE`: gives every request this query parameter. */
import { defineStage } from "../component/define.ts";
import type { StageDeclaration } from "../component/define.ts";
import { maskNamed } from "../component/mask.ts";
import type { OptionSpec } from "../component/option.ts";
import { setParam as setInTarget, withTarget } from "../core/http/edit/edit.ts";
import { EditStage } from "./rules/edit-stage.ts";
import { params as paramsOf } from "./rules/kinds.ts";
import type { Param } from "./rules/kinds.ts";
import { gorRules, setAfterFilters } from "./rules/options.ts";

const options: {
  params: OptionSpec<readonly Param[]>;
  setAfterFilters: OptionSpec<boolean>;
  gorRules: OptionSpec<boolean>;
} = {
  params: paramsOf({
    flag: "http-set-param",
    help: "Set a query parameter, as it is written: overwritten where it is there, appended where it is not. May be repeated.",
    example: "api_key=1",
    secret: true,
    show: maskNamed,
  }),
  setAfterFilters,
  gorRules,
};

export const setParam: StageDeclaration<typeof options> = defineStage({
  name: "set-param",
  summary: "Set query parameters of requests.",
  options,
  runsBehind: ({ setAfterFilters }) => (setAfterFilters ? "param-limiter" : undefined),
  create: ({ params, gorRules }) => {
    if (params.length === 0) return undefined;
    return new EditStage({
      edit: (head) => {
        let { target } = head;
        for (const { name, value } of params) target = setInTarget(target, name, value, gorRules);
        return withTarget(head, target);
      },
    });
  },
});
