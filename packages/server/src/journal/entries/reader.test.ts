// What the reader keeps of producers.
import {
  BodyState,
  HttpMessage,
  MessageKind,
  RecordType,
  WHOLE_EXCHANGE_BYTES_MAX,
  packMessage,
} from "@mirrorball/protocol";
import type { WireRecord } from "@mirrorball/protocol";
import { expect, it } from "vitest";
import { JournalReader } from "./reader.ts";

let dropped: string[] = [];

function reader(): JournalReader {
  return new JournalReader(1, 0, {
    load: () => undefined,
    read: () => {},
    emit: () => undefined,
    dropped: (reason) => dropped.push(reason),
  });
}

const HEAD: WireRecord = [
  RecordType.requestHead, 1, 1, 1, 1, null, "PUT", "/", "HTTP/1.1", [], null, null,
]; // prettier-ignore
const END: WireRecord = [RecordType.responseEnd, 1, 1, BodyState.complete, null];

it("forgets a producer unless it has exchanges under way", () => {
  const made = reader();
  made.offer(1, { producer: "a", service: "shop", bytes: 1, records: [HEAD] });
  expect(made.forget("a")).toBe(false);
  made.offer(2, { producer: "a", service: "shop", bytes: 1, records: [END] });
  expect(made.producers).toEqual(["a"]);
  expect(made.forget("a")).toBe(true);
  expect(made.producers).toEqual([]);
});

it("knows of a frame that was refused: of the message that it belonged to nothing is waited for", () => {
  dropped = [];
  const made = reader();
  const http = HttpMessage.fromRaw(Buffer.alloc(WHOLE_EXCHANGE_BYTES_MAX + 1));
  const large = { kind: MessageKind.request, id: "id", startedAt: 1, latencyNs: 0, http };
  const begun = packMessage(large, 1).record;
  made.offer(1, { producer: "a", service: "shop", bytes: 1, records: [begun] });
  expect(made.oldestNeeded(0)).toBe(1);
  made.offer(2, { producer: "a", service: "shop", bytes: 1, records: [] });
  expect([made.oldestNeeded(0), dropped]).toEqual([undefined, ["refused"]]);
});
