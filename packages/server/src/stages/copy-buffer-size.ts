/**
 * `--copy-buffer-size SIZE`: cuts messages that are longer. What is cut is marked as such, so that no output replays half
 * a request (gor cut at 5 MB, silently). The head stays whole.
 */
import { BodyState, HttpMessage, headEnd } from "@mirrorball/protocol/messages";
import type { Message } from "@mirrorball/protocol";
import { defineStage } from "../component/define.ts";
import type { StageDeclaration } from "../component/define.ts";
import { size } from "../component/kinds.ts";
import type { OptionSpec } from "../component/option.ts";
import type { Stage } from "../component/types.ts";

const options: { sizeBytes: OptionSpec<number> } = {
  sizeBytes: size({
    flag: "copy-buffer-size",
    help: "Cut messages that are longer than this. They are still stored, marked as cut, but not replayed.",
    example: "5mb",
    default: 0,
    defaultText: "no limit",
  }),
};

export const copyBufferSize: StageDeclaration<typeof options> = defineStage({
  name: "copy-buffer-size",
  beforeRelay: true,
  summary: "Cut messages that are too long.",
  options,
  create: ({ sizeBytes }) => (sizeBytes === 0 ? undefined : new CutStage(sizeBytes)),
});

/** `byteLength` only estimates the heads of messages in parts; none is longer than this. */
const HEAD_BYTES_MAX = 64 * 1024;

class CutStage implements Stage {
  readonly #bytesMax: number;
  #cut = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  process(batch: Message[]): number {
    for (let i = 0; i < batch.length; i += 1) {
      const message = batch[i];
      if (message === undefined || message.http.byteLength + HEAD_BYTES_MAX <= this.#bytesMax)
        continue;
      const { raw } = message.http;
      if (raw.length <= this.#bytesMax) continue;
      const end = Math.max(this.#bytesMax, headEnd(raw));
      if (end === raw.length) continue;
      this.#cut += 1;
      batch[i] = {
        ...message,
        http: HttpMessage.fromRaw(raw.subarray(0, end)),
        context: { ...message.context, bodyState: BodyState.truncated },
      };
    }
    return batch.length;
  }

  counts(): Readonly<Record<string, number>> {
    return this.#cut === 0 ? {} : { cut: this.#cut };
  }
}
