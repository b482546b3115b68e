/** `--http-header-limiter "NAME: 25%"`: a stable share of the values of a header field; requests without it all go on. */
import { headerValue } from "@mirrorball/protocol/messages";
import { defineStage } from "../component/define.ts";
import type { StageDeclaration } from "../component/define.ts";
import type { OptionSpec } from "../component/option.ts";
import { placeOf } from "../core/limit/share.ts";
import { FilterStage } from "./rules/filter-stage.ts";
import { shares } from "./rules/kinds.ts";
import type { Share } from "./rules/kinds.ts";

const options: { limits: OptionSpec<readonly Share[]> } = {
  limits: shares({
    flag: "http-header-limiter",
    // The last is how the help of old gor spelled it.
    aliases: ["output-http-header-hash-filter", "http-header-imiter"],
    help: "Let a share of the values of this header field pass, each value always or never, by gor's hash; requests without the field pass. May be repeated.",
    example: "'user-id: 25%'",
  }),
};

export const headerLimiter: StageDeclaration<typeof options> = defineStage({
  name: "header-limiter",
  summary: "Let a stable share of the values of a header field pass.",
  options,
  create: ({ limits }) => {
    if (limits.length === 0) return undefined;
    const lower = limits.map(({ name, percent }) => ({ name: name.toLowerCase(), percent }));
    return new FilterStage({
      reason: "header-limiter",
      fate: "limited",
      passesUnparsable: true,
      passes: ({ headers }) =>
        lower.every(({ name, percent }) => {
          const value = headerValue(headers, name) ?? "";
          return value === "" || placeOf(value) < percent;
        }),
    });
  },
});
