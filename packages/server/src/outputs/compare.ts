/**
 * `--output-compare FILE`: compares what the target answers with what was recorded, or with a control, and writes a report.
 *
 * In: requests, original and replayed responses. Out: a report when the run ends. The work is done in a thread of its own; what that cannot
 * keep up with is dropped or held back, as `--output-compare-queue-full` says, and counted.
 */
import { MessageKind } from "@mirrorball/protocol/messages";
import { defineOutput } from "../component/define.ts";
import type { OutputDeclaration } from "../component/define.ts";
import { text } from "../component/kinds.ts";
import { Refusal } from "../component/option.ts";
import type { OptionSpec } from "../component/option.ts";
import { KINDS_RULE, kindsOf } from "../files/rules/compare-rules-file.ts";
import { REPORT_RULE, filesOf, isReportName } from "./compare/report-names.ts";
import type { OptionValues } from "../component/option.ts";

const options: {
  control: OptionSpec<string>;
  probe: OptionSpec<number>;
  openapi: OptionSpec<string>;
  rules: OptionSpec<string>;
  tolerance: OptionSpec<number>;
  failOn: OptionSpec<string>;
} = {
  control: text({
    help: "Send every request to this known-good build, too, and compare with its answers: then chance and defect can be told apart, and a recording needs no responses.",
    example: "http://stable:8080",
    placeholder: "URL",
    default: "",
  }),
  probe: {
    ...percent("a share of safe requests"),
    help: "Ask the target a share of safe requests twice in a row, and the first ones of each route: what differs between the two answers varies by itself.",
    example: "10%",
    default: 0,
    defaultText: "",
  },
  openapi: text({
    help: "Name endpoints by the paths of this OpenAPI document, where the recording does not know the route.",
    example: "openapi.yaml",
    placeholder: "FILE",
    default: "",
  }),
  rules: text({
    help: "Decisions of people in YAML: ignore, tolerate, accept, each with owner, reason and expiry.",
    example: "compare-rules.yaml",
    placeholder: "FILE",
    default: "",
  }),
  tolerance: {
    ...percent("a share"),
    help: "Differences of at most this share of an endpoint's exchanges are shown and do not count, unless they are critical.",
    example: "0.1%",
    default: 0,
    defaultText: "",
  },
  failOn: {
    ...text({
      help: "Kinds of differences that count: status, value, format, type, missing, added, length, order, text, bytes, slower, leak. All by default.",
      example: "status,type,missing,leak",
      placeholder: "KINDS",
      default: "",
    }),
    parse: (raw) => (kindsOf(raw) === undefined ? new Refusal(KINDS_RULE) : raw),
  },
};

/** `10%` or `0.1`, as a share. */
function percent(what: string): Pick<OptionSpec<number>, "kind" | "placeholder" | "parse"> {
  const rule = new Refusal(`must be ${what} from 0% to 100%`);
  return {
    kind: "value",
    placeholder: "SHARE",
    parse: (raw) => {
      const match = /^(\d{1,3}(?:\.\d{1,6})?)(%?)$/.exec(raw);
      const share = Number(match?.[1]) / (match?.[2] === "%" ? 100 : 1);
      return share >= 0 && share <= 1 ? share : rule;
    },
  };
}

export const outputCompare: OutputDeclaration<typeof options> = defineOutput({
  name: "output-compare",
  firstPage: "report what the target answers differently",
  summary:
    "Compare the target's answers with the recorded ones and write a report when the run ends: FILE.html, .json, .xml (JUnit), .md, or - for the terminal; several with commas between.",
  argument: {
    placeholder: "FILES",
    example: "report.html,report.json",
    parse: (raw) => (filesOf(raw).every(isReportName) ? raw : new Refusal(REPORT_RULE)),
  },
  accepts: [MessageKind.request, MessageKind.response, MessageKind.replayed],
  wantsReplayed: true,
  takesAsides: true,
  wantsProbes: ({ probe }) => probe,
  companion: ({ control }) =>
    control === "" ? undefined : { output: "output-http", argument: control },
  options,
  load: () => import("./compare/output.ts"),
});

export type CompareOptions = OptionValues<typeof options>;
