/**
 * `--output-http URL`: replays requests against a target and, when asked, hands its answers on as replayed responses.
 *
 * Method, target, order, case and duplicates of header fields and the body's bytes go out as recorded; Host and
 * framing are made right for the target. A target that is down, slow or talks nonsense costs the messages it was
 * sent, counted by reason, and nothing else. undici writes Host and Connection first, and lower-cases their names.
 */
import { MessageKind } from "@mirrorball/protocol";
import { defineOutput } from "../component/define.ts";
import type { OutputDeclaration } from "../component/define.ts";
import { duration, flag, integer } from "../component/kinds.ts";
import { Refusal } from "../component/option.ts";
import type { OptionSpec } from "../component/option.ts";
import { Pool } from "./http/pool.ts";
import { parseTarget } from "./http/target.ts";

const options: {
  timeoutMs: OptionSpec<number>;
  workers: OptionSpec<number>;
  workersMin: OptionSpec<number>;
  workerTimeoutMs: OptionSpec<number>;
  redirects: OptionSpec<number>;
  trackResponse: OptionSpec<boolean>;
  skipVerify: OptionSpec<boolean>;
  ambiguous: OptionSpec<boolean>;
  originalHost: OptionSpec<boolean>;
} = {
  timeoutMs: duration({
    help: "Time for a whole exchange, connecting and the answer's body included.",
    example: "30s",
    default: 5000,
    min: 100,
  }),
  workers: integer({
    help: "Connections at most; 0 finds a number by itself, up to 512, as long as more of them help.",
    example: "20",
    default: 0,
    min: 0,
    max: 10_000,
  }),
  workersMin: integer({
    help: "Connections that are kept when there is nothing to do.",
    example: "10",
    default: 1,
    min: 0,
    max: 10_000,
  }),
  workerTimeoutMs: duration({
    help: "How long a connection may be idle before it is closed.",
    example: "10s",
    default: 2000,
  }),
  redirects: integer({
    help: "Redirects to follow, on the target itself only; a redirect elsewhere is taken as the answer.",
    example: "2",
    default: 0,
    min: 0,
    max: 100,
  }),
  trackResponse: flag({
    help: "Hand the target's answers on to the other outputs, and compare their status with the original.",
    default: false,
  }),
  skipVerify: flag({
    help: "Do not verify the target's TLS certificate.",
    default: false,
  }),
  ambiguous: flag({
    help: "Replay captured requests too whose framing can be read in two ways, as attackers make them.",
    default: false,
  }),
  originalHost: flag({
    flag: "http-original-host",
    help: "Send the recorded Host field instead of the target's.",
    default: false,
  }),
};

export const outputHttp: OutputDeclaration<typeof options> = defineOutput({
  name: "output-http",
  summary:
    "Replay requests against a URL. Without a path of its own the recorded path and query are used; with one, every request goes there.",
  argument: {
    placeholder: "URL",
    example: "http://staging:8080",
    parse: (raw) => {
      const target = parseTarget(raw);
      return target instanceof Refusal ? target : raw;
    },
  },
  accepts: [MessageKind.request],
  options,
  create: (context, argument, values) => {
    const target = parseTarget(argument);
    if (target instanceof Refusal) throw new Error(`${argument}: ${target.rule}`);
    const pool = new Pool(context, {
      target,
      originalHost: values.originalHost,
      redirectsMax: values.redirects,
      track: values.trackResponse,
      ambiguous: values.ambiguous,
      marked: context.loopGuard,
      timeoutMs: values.timeoutMs,
      workersMax: values.workers,
      workersMin: values.workersMin,
      workerIdleMs: values.workerTimeoutMs,
      skipVerify: values.skipVerify,
    });
    return {
      emitsReplayed: values.trackResponse,
      start: async () => pool.start(),
      drain: () => pool.drained(),
      close: () => pool.close(),
      stats: () => pool.stats(),
    };
  },
});
