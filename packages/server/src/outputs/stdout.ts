/**
 * `--output-stdout`: writes gor records to standard output, respecting its back-pressure. When the reader goes away (`| head`) or
 * the disk behind it is full, what could not be written is counted as failed by reason, and the other outputs go on. A record that
 * got out in part is closed before the next one, so that a reader loses no more than that one.
 */
import { MessageKind } from "@mirrorball/protocol/messages";
import { defineOutput } from "../component/define.ts";
import type { OutputDeclaration } from "../component/define.ts";

/** Where the system has what stands behind standard output: `> FILE`. */
const STDOUT = "/dev/stdout";

export const outputStdout: OutputDeclaration<Record<never, never>> = defineOutput({
  name: "output-stdout",
  summary: "Write everything to standard output, in gor's record format.",
  // gor 0.x; it wanted a value there and did not look at it.
  valuedAliases: ["output-dummy"],
  argument: undefined,
  accepts: [MessageKind.request, MessageKind.response, MessageKind.replayed],
  options: {},
  writes: () => STDOUT,
  load: () => import("./stdout/output.ts"),
});
