// What the reader keeps of producers.
import { BodyState, RecordType } from "@mirrorball/protocol";
import type { WireRecord } from "@mirrorball/protocol";
import { expect, it } from "vitest";
import { JournalReader } from "./reader.ts";

function reader(): JournalReader {
  return new JournalReader(1, 0, {
    load: () => undefined,
    read: () => {},
    emit: () => undefined,
    dropped: () => {},
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
