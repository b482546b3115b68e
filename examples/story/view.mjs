// @ts-check
// The terminal view: from two snapshots of the server's counters to lines of text. Knows nothing of processes.

/** @typedef {import("@mirrorball/server").Counters} Counters */

const MISMATCHES_SHOWN = 5;

/**
 * @param {Counters} before
 * @param {Counters} now
 * @param {number} seconds between the two
 * @param {number} answered requests the customers sent and got an answer to
 * @returns {string[]}
 */
export function viewLines(before, now, seconds, answered) {
  const rate = (/** @type {number} */ a, /** @type {number} */ b) => ((b - a) / seconds).toFixed(0);
  const [input] = now.inputs;
  const [output] = now.outputs;
  if (input === undefined || output === undefined) return [];
  const latency = output.stats.latencyMs;
  const received = Math.round(output.received);
  const lines = [
    "mirrorball: production traffic, replayed against staging",
    "",
    `  customers            ${answered} requests answered by production`,
    `  replay server  in    ${received} requests, ${rate(before.outputs[0]?.received ?? 0, output.received)}/s`,
    `                 out   ${output.delivered} replayed, ${rate(before.outputs[0]?.delivered ?? 0, output.delivered)}/s`,
    `                 queue ${output.queued} waiting, ${output.inFlight} in flight`,
    `  staging answers      p50 ${ms(latency?.p50)}  p90 ${ms(latency?.p90)}  p99 ${ms(latency?.p99)}`,
    `  statuses             ${now.comparison.compared} compared, ${now.comparison.mismatched} different`,
  ];
  for (const { method, target, original, replayed } of now.comparison.examples.slice(
    -MISMATCHES_SHOWN,
  )) {
    lines.push(
      `                       ${method} ${target}: production ${original}, staging ${replayed}`,
    );
  }
  const lost = reasons([input.dropped, output.failed, output.dropped]);
  lines.push(`  lost                 ${now.lost}${lost === "" ? "" : ` (${lost})`}`);
  return lines;
}

/** @param {number | undefined} value */
function ms(value) {
  return value === undefined ? "-" : `${value.toFixed(1)} ms`;
}

/** @param {readonly Readonly<Record<string, number>>[]} counts */
function reasons(counts) {
  return counts
    .flatMap((part) => Object.entries(part).map(([reason, count]) => `${reason} ${count}`))
    .join(", ");
}
