/** The flags of a run itself. What they do is in `replay-server.ts` and, for `--verbose`, in `log.ts`. */
import type { RunDeclaration } from "../component/define.ts";
import { duration, flag, integer, text } from "../component/kinds.ts";
import type { OptionSpec, OptionValues } from "../component/option.ts";

const options: {
  drainTimeoutMs: OptionSpec<number>;
  exitAfterMs: OptionSpec<number>;
  stats: OptionSpec<boolean>;
  httpPprof: OptionSpec<string>;
  verbose: OptionSpec<number>;
  noLoopGuard: OptionSpec<boolean>;
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
  stats: flag({
    flag: "stats",
    help: "Print a line of counters to standard error every 5 seconds.",
    default: false,
  }),
  httpPprof: text({
    flag: "http-pprof",
    help: "Serve the counters as JSON over HTTP, at /debug/vars.",
    example: "127.0.0.1:8181",
    placeholder: "ADDRESS",
    default: "",
  }),
  verbose: integer({
    flag: "verbose",
    help: "Show more of what happens, from 1 (connections) to 3 (each message).",
    example: "1",
    default: 0,
    min: 0,
    max: 3,
  }),
  noLoopGuard: flag({
    flag: "no-loop-guard",
    help: "Do not mark replays with X-Mirrorball-Replay, and take marked requests like any others.",
    default: false,
  }),
};

export type RunOptions = OptionValues<typeof options>;

export const runDeclaration: RunDeclaration<typeof options> = {
  type: "run",
  name: "run",
  summary: "How a run starts, shows itself and stops.",
  options,
};
