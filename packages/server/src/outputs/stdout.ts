/**
 * `--output-stdout`: writes gor records to standard output, respecting its back-pressure. When the reader goes away
 * (`| head`) what follows is counted as failed and the other outputs go on.
 */
import { MessageKind } from "@mirrorball/protocol";
import { defineOutput } from "../component/define.ts";
import type { OutputDeclaration } from "../component/define.ts";
import { encodeRecords } from "../core/record/encode.ts";
import { BatchWriter } from "./batch-writer.ts";

export const outputStdout: OutputDeclaration<Record<never, never>> = defineOutput({
  name: "output-stdout",
  summary: "Write everything to standard output, in gor's record format.",
  // gor 0.x; it wanted a value there and did not look at it.
  valuedAliases: ["output-dummy"],
  argument: undefined,
  accepts: [MessageKind.request, MessageKind.response, MessageKind.replayed],
  options: {},
  create: (context) => {
    const onError = (): void => {
      // Reported to the write that hit it; without a listener it would end the process.
    };
    const write = (bytes: Buffer): Promise<void> =>
      new Promise((resolve, reject) => {
        process.stdout.write(bytes, (error) => (error ? reject(error) : resolve()));
      });
    const writer = new BatchWriter({
      context,
      consume: async (batch) => {
        try {
          await write(encodeRecords(batch));
          context.ledger.delivered(batch);
        } catch {
          context.ledger.failed("closed", batch);
        }
      },
    });
    return {
      start: async () => {
        process.stdout.on("error", onError);
      },
      drain: () => writer.drained(),
      close: async () => {
        writer.close();
        process.stdout.off("error", onError);
      },
    };
  },
});
