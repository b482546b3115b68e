/** `--http-basic-auth-filter REGEXP`: of requests with Basic credentials, only those whose `user:password` matches go on. */
import { headerValue } from "@mirrorball/protocol/messages";
import { defineStage } from "../component/define.ts";
import type { StageDeclaration } from "../component/define.ts";
import type { OptionSpec } from "../component/option.ts";
import type { Pattern } from "../core/regexp/regexp.ts";
import { FilterStage } from "./rules/filter-stage.ts";
import { patterns } from "./rules/kinds.ts";
import { gorRules } from "./rules/options.ts";

const options: { users: OptionSpec<readonly Pattern[]>; gorRules: OptionSpec<boolean> } = {
  users: patterns({
    flag: "http-basic-auth-filter",
    secret: true,
    help: "Leave out requests whose Basic credentials, decoded to user:password, do not match; others pass. May be repeated: all must match.",
    example: "^customer[0-9]+:",
  }),
  gorRules,
};

/** RFC 7617; schemes ignore case (RFC 9110 11.1), which gor did not know. */
const BASIC = /^basic /i;
const GOR_BASIC = /^Basic /;

export const basicAuthFilter: StageDeclaration<typeof options> = defineStage({
  name: "basic-auth-filter",
  summary: "Leave out requests by the user they were made for.",
  options,
  create: ({ users, gorRules }) => {
    if (users.length === 0) return undefined;
    const scheme = gorRules ? GOR_BASIC : BASIC;
    return new FilterStage({
      reason: "basic-auth-filter",
      fate: "filtered",
      passesUnparsable: gorRules,
      passes: ({ headers }) => {
        const value = headerValue(headers, "authorization");
        if (value === undefined || !scheme.test(value)) return true;
        const user = Buffer.from(value.slice("Basic ".length), "base64").toString("latin1");
        return users.every((pattern) => pattern.test(user));
      },
    });
  },
});
