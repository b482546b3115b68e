/** Messages for tests of what the page keeps. */
import { HttpMessage } from "@mirrorball/protocol";
import type { Message, MessageContext, MessageKind } from "@mirrorball/protocol";

export function message(
  kind: MessageKind,
  id: string,
  text: string,
  context: MessageContext = {},
): Message {
  return {
    kind,
    id,
    startedAt: 1_700_000_000_000_000,
    latencyNs: 1e6,
    http: HttpMessage.fromRaw(Buffer.from(text, "latin1")),
    context,
  };
}
