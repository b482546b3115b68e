/** What `--output-stdout` is when it runs. */
import type { Message } from "@mirrorball/protocol";
import type { Output, OutputContext, OutputStats } from "../../component/types.ts";
import {
  EncodeReport,
  REFUSED_REASON,
  encodeRecords,
  leftOutCounts,
} from "../../core/record/encode.ts";
import { SEPARATOR } from "../../core/record/separator.ts";
import { hintOf } from "../../files/file-error.ts";
import { BatchWriter } from "../batch-writer.ts";

export function create(context: OutputContext): Output {
  return new StdoutOutput(context);
}

class StdoutOutput implements Output {
  readonly #context: OutputContext;
  readonly #writer: BatchWriter;
  #torn = false;
  #failing = false;
  #contextLeftOut = 0;

  constructor(context: OutputContext) {
    this.#context = context;
    this.#writer = new BatchWriter({ context, consume: (batch) => this.#write(batch) });
  }

  async start(): Promise<void> {}

  drain(): Promise<void> {
    return this.#writer.drained();
  }

  async close(): Promise<void> {
    this.#writer.close();
  }

  stats(): OutputStats {
    return { counts: leftOutCounts(this.#contextLeftOut) };
  }

  async #write(all: Message[]): Promise<void> {
    const { ledger, log, stdout } = this.#context;
    const report = new EncodeReport();
    const records = encodeRecords(all, report);
    const { kept: batch, ends, refused } = report;
    this.#contextLeftOut += report.leftOut;
    if (refused.length > 0) ledger.failed(REFUSED_REASON, refused);
    if (batch.length === 0) return;
    const lead = this.#torn ? SEPARATOR.length : 0;
    const fault = await stdout.write(this.#torn ? Buffer.concat([SEPARATOR, records]) : records);
    if (fault === undefined) {
      this.#torn = false;
      ledger.delivered(batch);
      if (this.#failing) log.warn("writing works again");
      this.#failing = false;
      return;
    }
    const bytes = Math.max(fault.bytesWritten - lead, 0);
    const whole = ends.filter((end) => end <= bytes).length;
    if (whole > 0) ledger.delivered(batch.slice(0, whole));
    ledger.failed(REASONS[fault.code] ?? "write-error", batch.slice(whole));
    if (fault.bytesWritten > 0 && fault.bytesWritten >= lead)
      this.#torn = bytes > (ends[whole - 1] ?? 0);
    if (this.#failing) return;
    this.#failing = true;
    const why = hintOf(fault.code);
    log.warn(
      `cannot write to standard output: ${why}; what cannot be written is counted as failed`,
    );
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EPIPE: "closed",
  ERR_STREAM_DESTROYED: "closed",
  ENOSPC: "disk-full",
  EDQUOT: "disk-full",
};
