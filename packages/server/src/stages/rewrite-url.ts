/** `--http-rewrite-url REGEXP:TARGET`: replaces what matches in path and query. The first rule that matches is the only one. */
import type { RequestHead } from "@mirrorball/protocol";
import { defineStage } from "../component/define.ts";
import type { StageDeclaration } from "../component/define.ts";
import type { OptionSpec } from "../component/option.ts";
import { withTarget } from "../core/http/edit/edit.ts";
import type { Replacer } from "../core/regexp/regexp.ts";
import { EditStage } from "./rules/edit-stage.ts";
import { urlRewrites } from "./rules/kinds.ts";

const options: { rewrites: OptionSpec<readonly Replacer[]> } = {
  rewrites: urlRewrites({
    flag: "http-rewrite-url",
    aliases: ["output-http-rewrite-url"],
    help: "Replace what matches in path and query; $1 and ${name} stand for groups. May be repeated: only the first that matches is applied.",
    example: "'/v1/user/([^/]+)/ping:/v2/user/$1/ping'",
  }),
};

export const rewriteUrl: StageDeclaration<typeof options> = defineStage({
  name: "rewrite-url",
  summary: "Rewrite path and query of requests.",
  options,
  create: ({ rewrites }) =>
    rewrites.length === 0
      ? undefined
      : new EditStage({ edit: (head) => rewritten(head, rewrites) }),
});

function rewritten(head: RequestHead, rewrites: readonly Replacer[]): RequestHead {
  for (const rewrite of rewrites) {
    const target = rewrite.replace(head.target);
    // A target must not become empty: the request line would have a hole.
    if (target !== undefined) return withTarget(head, target === "" ? "/" : target);
  }
  return head;
}
