/** `--output-null`: takes everything and forgets it. For measuring what comes before it. */
import { MessageKind } from "@mirrorball/protocol/messages";
import { defineOutput } from "../component/define.ts";
import type { OutputDeclaration } from "../component/define.ts";

const BATCH_MAX = 1024;

export const outputNull: OutputDeclaration<Record<never, never>> = defineOutput({
  name: "output-null",
  summary: "Discard everything, counted.",
  argument: undefined,
  accepts: [MessageKind.request, MessageKind.response, MessageKind.replayed],
  options: {},
  create: ({ queue, ledger }) => {
    queue.onReadable = () => {
      for (;;) {
        const taken = queue.takeBatch(BATCH_MAX);
        if (taken.length === 0) return;
        ledger.delivered(taken);
      }
    };
    return {
      start: async () => {},
      drain: async () => {},
      close: async () => {},
    };
  },
});
