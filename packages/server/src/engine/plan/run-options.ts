/** The flags of a run itself. What they do is in `replay-server.ts` and, for `--verbose`, in `log.ts`. */
import type { RunDeclaration, RunExample } from "../../component/define.ts";
import { duration, flag, integer, list, size, text } from "../../component/kinds.ts";
import type { OptionSpec, OptionValues } from "../../component/option.ts";
import { adminOptions } from "./admin-options.ts";
import { pageOptions } from "./page-options.ts";

/** The one flag that the planner itself obeys. */
export const configFlag = "config";

const levels: OptionSpec<number> = integer({
  flag: "verbose",
  help: "Show more of what happens, from 1 (connections) to 3 (each message).",
  example: "1",
  default: 0,
  bare: "1",
  min: 0,
  max: 3,
});

const options: typeof pageOptions &
  typeof adminOptions & {
    drainTimeoutMs: OptionSpec<number>;
    exitAfterMs: OptionSpec<number>;
    journal: OptionSpec<string>;
    journalLimitBytes: OptionSpec<number>;
    splitOutput: OptionSpec<boolean>;
    stats: OptionSpec<boolean>;
    httpPprof: OptionSpec<string>;
    verbose: OptionSpec<number>;
    config: OptionSpec<readonly string[]>;
    noLoopGuard: OptionSpec<boolean>;
    dropPrivileges: OptionSpec<string>;
  } = {
  drainTimeoutMs: duration({
    flag: "drain-timeout",
    help: "How long a stopping server goes on delivering what it has accepted.",
    example: "30s",
    default: 10_000,
  }),
  exitAfterMs: duration({
    flag: "exit-after",
    help: "Stop after this time as on SIGTERM: deliver what was accepted, print the summary, exit.",
    example: "1h",
    default: 0,
    defaultText: "",
  }),
  journal: text({
    flag: "journal",
    help: "Keep what --input-tcp takes in this directory until every output has settled it, and acknowledge nothing before it is on disk.",
    example: "/var/lib/mirrorball",
    placeholder: "DIR",
    default: "",
  }),
  journalLimitBytes: size({
    flag: "journal-limit",
    help: "Bytes the journal may hold; at the limit nothing is acknowledged, so that producers keep what they have.",
    example: "10gb",
    default: 1024 ** 3,
    min: 1024 ** 2,
  }),
  splitOutput: flag({
    flag: "split-output",
    help: "Let the outputs share the traffic, request by request in turn, instead of each getting all of it; responses follow their request.",
    default: false,
  }),
  stats: flag({
    flag: "stats",
    help: "Print a line of counters to standard error every 5 seconds; or gor's queue figures, when --output-…-stats asks for them.",
    default: false,
  }),
  httpPprof: text({
    flag: "http-pprof",
    help: "Serve the counters as JSON over HTTP, at /debug/vars; gor's word. --admin serves them with metrics and health.",
    example: "127.0.0.1:8181",
    placeholder: "ADDRESS",
    default: "",
  }),
  ...adminOptions,
  ...pageOptions,
  // gor 0.x had a switch of this name.
  verbose: {
    ...levels,
    parse: (raw) => levels.parse(raw === "true" ? "1" : raw === "false" ? "0" : raw),
  },
  config: list(
    text({
      flag: configFlag,
      help: "Read flags from a YAML or JSON file: their names without dashes, lists for what is repeated. What the command line says wins, or adds to what may be repeated.",
      example: "replay.yaml",
      placeholder: "FILE",
      default: "",
    }),
  ),
  noLoopGuard: flag({
    flag: "no-loop-guard",
    help: "Do not mark replays with X-Mirrorball-Replay, and take marked requests like any others.",
    default: false,
  }),
  dropPrivileges: text({
    flag: "drop-privileges",
    help: "Started by root: become this user as soon as the interfaces of --input-raw are open, before anything else is opened or started.",
    example: "mirrorball",
    placeholder: "USER",
    default: "",
  }),
};

const STAGING = "http://staging";

const examples: readonly RunExample[] = [
  {
    does: "shadow live what services with the SDK do:",
    args: ["--input-tcp", ":28020", "--output-http", STAGING],
  },
  {
    does: "record what they do:",
    args: ["--input-tcp", ":28020", "--output-file", "requests.gor"],
  },
  {
    does: "record any server on port 80, without the SDK:",
    args: ["--input-raw", ":80", "--output-file", "requests.gor"],
  },
  {
    does: "replay a recording at twice its speed:",
    args: ["--input-file", "requests.gor|200%", "--output-http", STAGING],
  },
  {
    does: "replay it with its sessions, and say what differs:",
    args: ["compare", "requests.gor", "--target", STAGING],
  },
];

export type RunOptions = OptionValues<typeof options>;

export const runDeclaration: RunDeclaration<typeof options> = {
  type: "run",
  name: "run",
  summary: "How a run starts, shows itself and stops.",
  options,
  examples,
};
