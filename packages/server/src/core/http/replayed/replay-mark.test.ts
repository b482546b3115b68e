import { HttpMessage, MessageKind } from "@mirrorball/protocol";
import { expect, it } from "vitest";
import { isReplay } from "./replay-mark.ts";

it.each([
  ["GET / HTTP/1.1\r\nx-mirrorball-replay: 1\r\n\r\n", true],
  ["GET / HTTP/1.1\r\nX-MIRRORBALL-REPLAY:\r\n\r\n", true],
  ["GET / HTTP/1.1\r\nX-Mirrorball-Replays: 1\r\n\r\n", false],
  ["POST / HTTP/1.1\r\n\r\nX-Mirrorball-Replay: 1\r\n\r\n", false],
  ["nonsense", false],
])("%j", (raw, expected) => {
  const http = HttpMessage.fromRaw(Buffer.from(raw));
  const message = { kind: MessageKind.request, id: "1", startedAt: 1, latencyNs: 0, http } as const;
  expect(isReplay(message)).toBe(expected);
});
