/**
 * `--input-file PATTERN[|200%]`: replays recordings, several as one in order of time, at the speed asked for.
 *
 * In: files in gor's record format, plain or gzip. Out: batches into the pipeline, each message when it is due. What is no
 * record is counted and told, and costs nothing beside it. It ends by itself, and the process with it.
 */
import { defineInput } from "../component/define.ts";
import type { InputDeclaration } from "../component/define.ts";
import { duration, flag, integer } from "../component/kinds.ts";
import { Refusal } from "../component/option.ts";
import type { OptionSpec, OptionValues } from "../component/option.ts";
import { matches } from "../files/glob.ts";
import { isChunk, recordings } from "../files/recordings.ts";
import { isSameFile } from "../files/same-file.ts";
import { rate, speed } from "./file/kinds.ts";

const options: {
  loop: OptionSpec<boolean>;
  readDepth: OptionSpec<number>;
  dryRun: OptionSpec<boolean>;
  maxWaitMs: OptionSpec<number>;
  speed: OptionSpec<number>;
  rate: OptionSpec<number>;
} = {
  loop: flag({
    help: "Start again at the end, without a gap, until stopped.",
    default: false,
  }),
  readDepth: integer({
    help: "Records a file that are held to put them in order of time.",
    example: "1000",
    default: 100,
    min: 1,
    max: 10_000_000,
  }),
  dryRun: flag({
    help: "Replay nothing; print what there is and how long it would take.",
    default: false,
  }),
  maxWaitMs: duration({
    help: "The longest wait between two messages, after the speed; 0 means any.",
    example: "10s",
    default: 0,
    defaultText: "",
  }),
  speed: speed({
    help: "How fast to replay: 200% is twice as fast as recorded, max is as fast as the outputs take it. Multiplies with |PERCENT.",
    example: "max",
    default: 1,
    defaultText: "100%",
  }),
  rate: rate({
    help: "Replay so many requests a second, evenly, whatever their recorded times.",
    example: "500/s",
    default: 0,
    defaultText: "",
  }),
};

export type Values = OptionValues<typeof options>;

export const inputFile: InputDeclaration<typeof options> = defineInput({
  name: "input-file",
  firstPage: "replay recordings at their speed, or FILE|200%",
  summary: "Replay recordings; FILE|200% plays them twice as fast.",
  argument: {
    placeholder: "FILE",
    example: "'requests_*.gor'",
    parse: (raw) =>
      raw === "" ? new Refusal("must be a file name or a pattern such as *.gor") : raw,
  },
  percent: "speed",
  readsRecordings: true,
  reads: (argument, { loop }, path) => {
    try {
      if (isChunk(argument, path) || recordings(argument).some((one) => isSameFile(one, path)))
        return true;
      // A round that begins later reads what has come meanwhile.
      return loop && matches(argument, path);
    } catch {
      // A malformed pattern reads nothing, and is refused when it starts.
      return false;
    }
  },
  options,
  load: () => import("./file/input.ts"),
});
