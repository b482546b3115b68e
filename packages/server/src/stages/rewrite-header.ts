/** `--http-rewrite-header "NAME: REGEXP,VALUE"`: replaces what matches in a header field. Rules work one after the other. */
import { headerValue } from "@mirrorball/protocol/messages";
import type { RequestHead } from "@mirrorball/protocol";
import { defineStage } from "../component/define.ts";
import type { StageDeclaration } from "../component/define.ts";
import { maskNamed } from "../component/mask.ts";
import type { OptionSpec } from "../component/option.ts";
import { editHeader, withHeaders } from "../core/http/edit/edit.ts";
import { EditStage } from "./rules/edit-stage.ts";
import { headerRewrites } from "./rules/kinds.ts";
import type { HeaderRewrite } from "./rules/kinds.ts";
import { gorRules } from "./rules/options.ts";

const options: { rewrites: OptionSpec<readonly HeaderRewrite[]>; gorRules: OptionSpec<boolean> } = {
  rewrites: headerRewrites({
    flag: "http-rewrite-header",
    secret: true,
    show: maskNamed,
    help: "Replace what matches in a header field; $1 and ${name} stand for groups. May be repeated; a Host rewritten here reaches the target.",
    example: "'Host: (.*).example.com,$1.staging.test'",
  }),
  gorRules,
};

export const rewriteHeader: StageDeclaration<typeof options> = defineStage({
  name: "rewrite-header",
  summary: "Rewrite header fields of requests.",
  options,
  create: ({ rewrites, gorRules }) => {
    if (rewrites.length === 0) return undefined;
    return new EditStage({
      edit: (head) => rewritten(head, rewrites, gorRules),
      choosesHost: (before, after) =>
        !gorRules && headerValue(before.headers, "host") !== headerValue(after.headers, "host"),
    });
  },
});

function rewritten(
  head: RequestHead,
  rewrites: readonly HeaderRewrite[],
  gorRules: boolean,
): RequestHead {
  let { headers } = head;
  for (const { lowerName, replacer } of rewrites) {
    // gor stops at the first rule whose field is not there, and the rules behind it do nothing.
    if (gorRules && (headerValue(headers, lowerName) ?? "") === "") break;
    headers = editHeader(headers, lowerName, (value) => replacer.replace(value) ?? value, gorRules);
  }
  return headers === head.headers ? head : withHeaders(head, headers);
}
