/**
 * `mirrorball compare RECORDING… --target URL`: replays recordings against a build with correlation, compares its answers and says what differs.
 * A plan of components, nothing more; a packet capture is made a recording first. With two recordings and no target the recordings are compared with each other.
 *
 * Exit: 0 the same, 3 different, 1 something was lost, failed or could not be compared, 2 the words were wrong.
 */
import { defineTool } from "../component/define.ts";
import type { Catalogue, ToolDeclaration } from "../component/define.ts";
import { choice, flag, list, text } from "../component/kinds.ts";
import type { OptionSpec, OptionValues } from "../component/option.ts";

const options: {
  target: OptionSpec<string>;
  control: OptionSpec<string>;
  report: OptionSpec<readonly string[]>;
  correlate: OptionSpec<string>;
  correlateTimes: OptionSpec<boolean>;
  correlateJwtKeyFile: OptionSpec<string>;
  rules: OptionSpec<string>;
  speed: OptionSpec<string>;
  failOn: OptionSpec<string>;
  tolerance: OptionSpec<string>;
  probe: OptionSpec<string>;
  openapi: OptionSpec<string>;
  only: OptionSpec<string>;
  noise: OptionSpec<"on" | "off">;
} = {
  target: text({
    flag: "target",
    help: "The build to judge; without one, two recordings are compared with each other.",
    example: "http://staging:8080",
    placeholder: "URL",
    default: "",
  }),
  control: text({
    flag: "control",
    help: "A build that is known to be good: it gets the same requests, and its answers are what the target's are compared with.",
    example: "http://stable:8080",
    placeholder: "URL",
    default: "",
  }),
  report: list(
    text({
      flag: "report",
      help: "Write the report to FILE.html, .json, .xml (JUnit) or .md; may be given several times.",
      example: "report.html",
      placeholder: "FILE",
      default: "",
    }),
  ),
  correlate: text({
    flag: "correlate",
    help: "auto learns how tokens and ids of the recording are called at the target; off sends requests as they were; FILE has reviewed rules of mirrorball learn.",
    example: "auto",
    placeholder: "auto|off|FILE",
    default: "auto",
  }),
  correlateTimes: flag({
    flag: "correlate-times",
    help: "Move times in requests by how much later they are sent than they were recorded.",
    default: false,
  }),
  correlateJwtKeyFile: text({
    flag: "correlate-jwt-key-file",
    help: "Sign JWTs that the target did not give out anew with the key in this file: an HMAC secret, or a private key in PEM; the variable MIRRORBALL_CORRELATE_JWT_KEY does the same.",
    example: "staging-jwt.pem",
    placeholder: "FILE",
    default: "",
  }),
  rules: text({
    flag: "rules",
    help: "Decisions of people in YAML: ignore, tolerate, accept, each with owner, reason and expiry.",
    example: "compare-rules.yaml",
    placeholder: "FILE",
    default: "",
  }),
  speed: text({
    flag: "speed",
    help: "How fast to replay: a percentage of the recorded speed, or max, which keeps the recorded order of what followed from what.",
    example: "100%",
    placeholder: "PERCENT|max",
    default: "max",
  }),
  failOn: text({
    flag: "fail-on",
    help: "Kinds of differences that count, with commas between: status, value, format, type, missing, added, length, order, text, bytes, slower, leak. All by default.",
    example: "status,type,missing,leak",
    placeholder: "KINDS",
    default: "",
  }),
  tolerance: text({
    flag: "tolerance",
    help: "Differences of at most this share of an endpoint's exchanges are shown and do not count, unless they are critical.",
    example: "0.1%",
    placeholder: "SHARE",
    default: "",
  }),
  probe: text({
    flag: "probe",
    help: "The share of safe requests that the target is asked twice, to see what varies by itself; the first ones of each route always are. 0 asks nothing twice.",
    example: "25%",
    placeholder: "SHARE",
    default: "10%",
  }),
  openapi: text({
    flag: "openapi",
    help: "Name endpoints by the paths of this OpenAPI document, where the recording does not know the route.",
    example: "openapi.yaml",
    placeholder: "FILE",
    default: "",
  }),
  only: text({
    flag: "only",
    help: "Replay this exchange alone, and what it needs of its session; a report names the id.",
    example: "e22a15912869000000000104",
    placeholder: "ID",
    default: "",
  }),
  noise: choice(["on", "off"], {
    flag: "summary",
    help: "Print the report for people to standard output.",
    example: "off",
    default: "on",
  }),
};

export type CompareValues = OptionValues<typeof options>;

/** Made with the catalogue, because it plans a run of its components. */
export function compareTool(catalogue: () => Catalogue): ToolDeclaration<typeof options> {
  return defineTool({
    name: "compare",
    firstPage: "replay recordings, and say what differs",
    summary:
      "Replay recordings against a build and say what it answers differently, why, and how sure that is.",
    operands: ["RECORDING..."],
    example: "mirrorball compare requests_*.gor --target http://staging:8080 --report report.html",
    options,
    load: async () => {
      const { compare } = await import("./compare/tool.ts");
      return {
        execute: (context, recordings, values) => compare(context, recordings, values, catalogue()),
      };
    },
  });
}
