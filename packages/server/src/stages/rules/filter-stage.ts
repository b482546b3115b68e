/**
 * The stage behind every filter and limiter: a verdict on a request's head becomes messages that stay or go.
 *
 * The responses of a request that went go with it, counted for the same reason. A request that cannot be parsed goes
 * where only what is allowed may pass: passing it on unseen would make an allow-list leak.
 */
import { MessageKind, isResponseHead } from "@mirrorball/protocol/messages";
import type { Message, RequestHead } from "@mirrorball/protocol";
import type { Fate, Stage } from "../../component/types.ts";
import { RecentIds } from "../../core/recent-ids.ts";

export interface FilterSettings {
  readonly reason: string;
  readonly fate: Fate;
  /** Whether a request that is no HTTP/1 request passes. */
  readonly passesUnparsable: boolean;
  readonly passes: (head: RequestHead) => boolean;
}

export class FilterStage implements Stage {
  readonly #settings: FilterSettings;
  /** Ids of requests that went. */
  readonly #gone: RecentIds = new RecentIds();

  constructor(settings: FilterSettings) {
    this.#settings = settings;
  }

  process(
    batch: Message[],
    removed: (message: Message, fate: Fate, reason: string) => void,
  ): number {
    const { fate, reason } = this.#settings;
    let kept = 0;
    for (const message of batch) {
      const why =
        message.kind === MessageKind.request ? this.#judge(message) : this.#follow(message);
      if (why === undefined) {
        batch[kept] = message;
        kept += 1;
      } else {
        removed(message, why === reason ? fate : "filtered", why);
      }
    }
    return kept;
  }

  /** Undefined for what passes, else the reason. */
  #judge({ id, http }: Message): string | undefined {
    const { passes, passesUnparsable, reason } = this.#settings;
    const { head } = http;
    const parsed = head !== undefined && !isResponseHead(head);
    if (parsed ? passes(head) : passesUnparsable) {
      if (!this.#gone.empty) this.#gone.forget(id);
      return undefined;
    }
    this.#gone.add(id);
    return parsed ? reason : "unparsable";
  }

  #follow({ id }: Message): string | undefined {
    return !this.#gone.empty && this.#gone.has(id) ? this.#settings.reason : undefined;
  }
}
