/** `--http-param-limiter "NAME: 25%"`: a stable share of the values of a query parameter; requests without it all go on. */
import { defineStage } from "../component/define.ts";
import type { StageDeclaration } from "../component/define.ts";
import type { OptionSpec } from "../component/option.ts";
import { paramValue } from "../core/http/edit/edit.ts";
import { placeOf } from "../core/limit/share.ts";
import { FilterStage } from "./rules/filter-stage.ts";
import { shares } from "./rules/kinds.ts";
import type { Share } from "./rules/kinds.ts";

const options: { limits: OptionSpec<readonly Share[]> } = {
  limits: shares({
    flag: "http-param-limiter",
    help: "Let a share of the values of this query parameter pass, each value always or never, by gor's hash; requests without it pass. May be repeated.",
    example: "'user_id: 25%'",
  }),
};

export const paramLimiter: StageDeclaration<typeof options> = defineStage({
  name: "param-limiter",
  summary: "Let a stable share of the values of a query parameter pass.",
  options,
  create: ({ limits }) => {
    if (limits.length === 0) return undefined;
    return new FilterStage({
      reason: "param-limiter",
      fate: "limited",
      passesUnparsable: true,
      passes: ({ target }) =>
        limits.every(({ name, percent }) => {
          const value = paramValue(target, name) ?? "";
          return value === "" || placeOf(value) < percent;
        }),
    });
  },
});
