/** `--http-set-header "NAME: VALUE"`: gives every request this header field. A Host that is set here reaches the target. */
import { defineStage } from "../component/define.ts";
import type { StageDeclaration } from "../component/define.ts";
import { maskNamed } from "../component/mask.ts";
import type { OptionSpec } from "../component/option.ts";
import { setHeader as setField, withHeaders } from "../core/http/edit/edit.ts";
import { EditStage } from "./rules/edit-stage.ts";
import { headerValues } from "./rules/kinds.ts";
import type { HeaderValue } from "./rules/kinds.ts";
import { gorRules, setAfterFilters } from "./rules/options.ts";

const options: {
  fields: OptionSpec<readonly HeaderValue[]>;
  setAfterFilters: OptionSpec<boolean>;
  gorRules: OptionSpec<boolean>;
} = {
  fields: headerValues({
    flag: "http-set-header",
    firstPage: "set a header field",
    aliases: ["http-header", "output-http-header"],
    help: "Set a header field: overwritten where it is there, put first where it is not. May be repeated.",
    example: "'User-Agent: Replayed'",
    secret: true,
    show: maskNamed,
  }),
  setAfterFilters,
  gorRules,
};

export const setHeader: StageDeclaration<typeof options> = defineStage({
  name: "set-header",
  summary: "Set header fields of requests.",
  options,
  runsBehind: ({ setAfterFilters }) => (setAfterFilters ? "param-limiter" : undefined),
  create: ({ fields, gorRules }) => {
    if (fields.length === 0) return undefined;
    const setsHost = fields.some(({ lowerName }) => lowerName === "host");
    return new EditStage({
      edit: (head) => {
        let { headers } = head;
        for (const field of fields) headers = setField(headers, field, gorRules);
        return withHeaders(head, headers);
      },
      choosesHost: () => setsHost,
    });
  },
});
