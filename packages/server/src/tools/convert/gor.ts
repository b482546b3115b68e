/** gor's record format for `convert`: files to messages in their order in the file, messages to bytes. */
import type { Message } from "@mirrorball/protocol";
import { EncodeReport, encodeRecords } from "../../core/record/encode.ts";
import { RecordFile, lookAtFile } from "../../files/record-file.ts";
import type { MessageReader, MessageWriter } from "./format.ts";
import type { FileSink } from "./sink.ts";

const BATCH_MAX = 256;

export const readGor: MessageReader = async function* (path, fault) {
  const info = lookAtFile(path, 0);
  const file = new RecordFile(info, {
    epochSeconds: 0,
    // The order of the file is kept.
    depth: 1,
    fault: (_, explanation) => fault(explanation),
  });
  for (let batch: Message[] = []; ;) {
    if (!file.ready) await file.load();
    const message = file.take();
    if (message !== undefined) batch.push(message);
    if (batch.length < BATCH_MAX && message !== undefined) continue;
    if (batch.length > 0) yield batch;
    if (message === undefined) return;
    batch = [];
  }
};

export function gorWriter(sink: FileSink): MessageWriter {
  const lost = new Map<string, number>();
  const lose = (what: string, count: number): void => {
    if (count > 0) lost.set(what, (lost.get(what) ?? 0) + count);
  };
  return {
    write: (batch) => {
      const report = new EncodeReport();
      const bytes = encodeRecords(batch, report);
      lose("messages with gor's separator line where it cannot be cut", report.refused.length);
      lose("fields of contexts that are too long", report.leftOut);
      return sink.write(bytes);
    },
    end: async () => lost,
  };
}
