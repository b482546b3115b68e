/** The stage behind every rewrite: what an edit makes of a request's head becomes a message with the same body. */
import { MessageKind, isResponseHead } from "@mirrorball/protocol/messages";
import type { Message, RequestHead } from "@mirrorball/protocol";
import type { Stage } from "../../component/types.ts";
import { withHead } from "../../core/http/edit/edit.ts";

export interface EditSettings {
  /** Returns its argument when there is nothing to change. */
  readonly edit: (head: RequestHead) => RequestHead;
  /** Whether an edit chose the Host field, which outputs then leave alone. */
  readonly choosesHost?: (before: RequestHead, after: RequestHead) => boolean;
}

export class EditStage implements Stage {
  readonly #settings: EditSettings;

  constructor(settings: EditSettings) {
    this.#settings = settings;
  }

  process(batch: Message[]): number {
    const { edit, choosesHost } = this.#settings;
    for (let i = 0; i < batch.length; i += 1) {
      const message = batch[i];
      if (message === undefined || message.kind !== MessageKind.request) continue;
      const { head } = message.http;
      if (head === undefined || isResponseHead(head)) continue;
      const next = edit(head);
      if (next === head) continue;
      const { context } = message;
      const keepsHost = choosesHost?.(head, next) === true && context?.keepHost !== true;
      batch[i] = withHead(message, next, keepsHost ? { ...context, keepHost: true } : context);
    }
    return batch.length;
  }
}
