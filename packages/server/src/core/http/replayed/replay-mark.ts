/** Whether a message is the replay of another: see `REPLAY_FIELD` for why nothing that captures may take it. Pure. */
import { REPLAY_FIELD, headerValue } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";

const FIELD = REPLAY_FIELD.toLowerCase();

export function isReplay({ http }: Message): boolean {
  const { head } = http;
  return head !== undefined && headerValue(head.headers, FIELD) !== undefined;
}
