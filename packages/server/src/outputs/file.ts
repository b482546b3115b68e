/**
 * `--output-file TEMPLATE`: stores everything in gor's record format, so that gor and mirrorball can replay it.
 *
 * An existing file is never truncated: a run writes the next `_N`, or really appends when asked to. Records reach a plain file
 * at once, and a `.gz` once a flush interval, so that kill -9 loses no more than that. A write that fails is counted, and the
 * disk is tried again with the next batch.
 */
import { MessageKind } from "@mirrorball/protocol/messages";
import { defineOutput } from "../component/define.ts";
import type { OutputDeclaration } from "../component/define.ts";
import { duration, flag, integer, size } from "../component/kinds.ts";
import { Refusal } from "../component/option.ts";
import type { OptionSpec, OptionValues } from "../component/option.ts";
import { nextChunk } from "./file/chunk-name.ts";
import { NameTemplate } from "./file/template.ts";

const MB: number = 1024 * 1024;

const options: {
  append: OptionSpec<boolean>;
  sizeLimitBytes: OptionSpec<number>;
  queueLimit: OptionSpec<number>;
  maxSizeLimitBytes: OptionSpec<number>;
  flushIntervalMs: OptionSpec<number>;
} = {
  append: flag({
    help: "Append to exactly this file, instead of writing numbered chunks (name_0.gor, name_1.gor …).",
    default: false,
  }),
  sizeLimitBytes: size({
    help: "Start the next chunk when one has this size, before compression; 0 means never.",
    example: "256mb",
    default: 32 * MB,
  }),
  queueLimit: integer({
    help: "Start the next chunk when one has so many records; 0 means never.",
    example: "0",
    default: 256,
    min: 0,
    max: 1_000_000_000,
  }),
  maxSizeLimitBytes: size({
    help: "Write no more than this in all, before compression; what comes after is dropped and counted.",
    example: "100gb",
    default: MB * MB,
  }),
  flushIntervalMs: duration({
    help: "How long records of a .gz may wait to be compressed together; plain files are written at once.",
    example: "5s",
    default: 1000,
  }),
};

export type Values = OptionValues<typeof options>;

export const outputFile: OutputDeclaration<typeof options> = defineOutput({
  name: "output-file",
  firstPage: "store everything: x.gor, x.gor.gz",
  summary:
    "Store everything in files, in gor's record format; compressed when the name ends in .gz. %Y %m %d %H %M %S %NS are the time, %r the id, %t the type, %i the run.",
  argument: {
    placeholder: "FILE",
    example: "requests.gor",
    parse: (raw) => (raw === "" ? new Refusal("must be a file name") : raw),
  },
  accepts: [MessageKind.request, MessageKind.response, MessageKind.replayed],
  options,
  writes: (argument, { append }) => {
    const name = new NameTemplate(argument, Math.random).nameFor(undefined, Date.now() * 1000);
    return append ? name : nextChunk(name);
  },
  load: () => import("./file/output.ts"),
});
