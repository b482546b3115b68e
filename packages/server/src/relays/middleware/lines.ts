/** Passes what a middleware writes for people on to standard error, whole lines at a time. */
import type { Readable } from "node:stream";
import type { LineSink } from "../../component/types.ts";

const LF = 0x0a;
/** Bytes of a line kept while it grows; more goes out in pieces. */
const LINE_BYTES_MAX: number = 64 * 1024;

export function passLines(from: Readable, to: LineSink): void {
  let kept: Buffer[] = [];
  let bytes = 0;
  const flush = (): void => {
    if (bytes === 0) return;
    to.say(Buffer.concat([...kept, END]));
    kept = [];
    bytes = 0;
  };
  from.on("data", (chunk: Buffer) => {
    const end = chunk.lastIndexOf(LF);
    if (end >= 0) {
      to.say(Buffer.concat([...kept, chunk.subarray(0, end + 1)]));
      kept = [];
      bytes = 0;
    }
    const rest = chunk.subarray(end + 1);
    if (rest.length === 0) return;
    kept.push(rest);
    bytes += rest.length;
    if (bytes > LINE_BYTES_MAX) flush();
  });
  from.on("end", flush);
  from.on("error", () => {
    // It ended; what it had said is out.
  });
}

const END: Buffer = Buffer.from("\n");
