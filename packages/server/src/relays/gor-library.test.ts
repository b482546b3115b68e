// What a real gor gave its middleware, given to a middleware made with gor's own npm package: it runs unmodified.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { MessageKind, isResponseHead } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { describe, expect, it } from "vitest";
import { run } from "../../test/kit.ts";
import { HexLineDecoder } from "../core/middleware/hex-lines.ts";

const program = fileURLToPath(new URL("../../test/programs/gor-library.cjs", import.meta.url));
const recorded = readFileSync(
  new URL("../../test/fixtures/shop.middleware-stdin.hex", import.meta.url),
);

function recordedMessages(): Message[] {
  const messages: Message[] = [];
  new HexLineDecoder(() => {}).push(recorded, messages);
  return messages;
}

function startLine({ http: { head } }: Message): string {
  if (head === undefined) return "";
  return isResponseHead(head) ? String(head.status) : `${head.method} ${head.target}`;
}

describe("gor's npm package", () => {
  it("gets all kinds of messages, edits requests, leaves one out, and gives back the rest as it was", async () => {
    const messages = recordedMessages();
    const command = `"${process.execPath}" "${program}"`;
    const ran = await run(messages, ["--middleware", command, "--output-collect"]);
    expect(ran.discrepancies).toEqual([0, 0]);
    expect(ran.counters.lost).toBe(0);
    expect(ran.counters.middleware).toMatchObject({
      taken: 70,
      returned: 69,
      added: 0,
      withheld: { ended: 1 },
      refused: {},
      events: {},
    });
    const given = messages.filter((message) => !startLine(message).startsWith("DELETE"));
    const name = ({ kind, id }: Message): string => `${kind} ${id}`;
    expect(ran.collected.map(name).toSorted()).toEqual(given.map(name).toSorted());
    const before = new Map(given.map((message) => [name(message), message]));
    for (const message of ran.collected) {
      const original = before.get(name(message));
      if (message.kind === MessageKind.request) {
        expect(message.http.head?.headers.slice(0, 2)).toEqual(["X-Replayed", "1"]);
        expect(Buffer.from(message.http.body).equals(original?.http.body ?? Buffer.of(0))).toBe(
          true,
        );
      } else {
        expect(Buffer.from(message.http.raw).equals(original?.http.raw ?? Buffer.of(0))).toBe(true);
      }
    }
    const lines = ran.collected.map(startLine);
    expect(lines).toContain("GET /api/items/1?page=2&api_key=staging");
  });
});
