// @ts-check
// Bodies of 1 to 256 KB both ways, captured as fast as the capture follows: none lost, every SHA-1 right, every response with its request.
import { freePort, start, usage } from "./processes.mjs";

/** The kernel's buffer. */
const BUFFER = process.env["RAW_BUFFER"] ?? "256mb";

/** @param {number} exchanges */
export async function benchBodies(exchanges) {
  const load = start("bodies-load.mjs", String(exchanges));
  const port = await load.line(/^port (\d+)/);
  const page = await freePort();
  const check = start(
    "bodies-check.mjs",
    "--input-raw",
    `127.0.0.1:${port}`,
    "--input-raw-track-response",
    "--input-raw-buffer-size",
    BUFFER,
    "--http-pprof",
    `127.0.0.1:${page}`,
    "--verbose",
    "1",
    "--output-check",
  );
  while (!/capturing on lo/.test(check.stderr())) {
    if (check.child.exitCode !== null) throw new Error(check.stderr());
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const before = usage(check.child.pid).cpuUs;
  const done = load.line(/^done (.*)/);
  load.child.stdin.write(`go http://127.0.0.1:${page}/debug/vars\n`);
  const [seconds = 0, bytes = 0] = (await done).split(" ").map(Number);
  const { cpuUs, peakMb } = usage(check.child.pid);
  const told = check.line(/^counters (.*)/);
  check.child.kill("SIGTERM");
  const { inputs, outputs } = JSON.parse(await told);
  const { figures } = inputs[0].stats;
  const { right, ...wrong } = outputs[0].stats.counts;
  if (right < 2 * exchanges) console.error(check.stderr());
  return {
    bench: "bodies",
    variant: "1 to 256 KB, both ways",
    exchanges,
    GB: Number((bytes / 1e9).toFixed(2)),
    "exchanges/s": Math.round(exchanges / seconds),
    "MB/s": Math.round(bytes / 1e6 / seconds),
    lost: 2 * exchanges - outputs[0].delivered,
    ...wrong,
    "bytes lost": figures.bytesLost,
    "packets dropped":
      figures.packetsDroppedByKernel +
      figures.packetsDroppedByInterface +
      figures.packetsDroppedByOverload,
    "CPU µs/exchange": Number(((cpuUs - before) / exchanges).toFixed(1)),
    "peak MB": Math.round(peakMb),
  };
}
