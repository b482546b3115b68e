// @ts-check
// The terminal view: from two snapshots of the server's counters to lines of text. Knows nothing of processes.

/** @typedef {import("@mirrorball/server").Counters} Counters */

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
  for (const [change, count] of changes(now.comparison.examples)) {
    lines.push(`                       ${change}: ${count} of the latest`);
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

/** @param {Counters["comparison"]["examples"]} examples */
function changes(examples) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { original, replayed } of examples) {
    const change = `production ${original}, staging ${replayed}`;
    counts.set(change, (counts.get(change) ?? 0) + 1);
  }
  return counts;
}
