// @ts-check
// The terminal view: from snapshots of the server's counters to lines of text. Knows nothing of processes.
import { styleText } from "node:util";

/** @typedef {import("@mirrorball/server").Counters} Counters */
/** @typedef {Parameters<typeof styleText>[0]} Style */

/** Rates that are kept for the curve. */
const CURVE_POINTS = 32;
const BARS = "▁▂▃▄▅▆▇█";

export class View {
  /** @type {number[]} */
  #rates = [];
  #received = 0;
  #delivered = 0;
  #colours;

  /** @param {boolean} colours */
  constructor(colours) {
    this.#colours = colours;
  }

  /**
   * @param {Counters} now
   * @param {number} seconds since the last call
   * @param {number} answered requests the customers sent and got an answer to
   * @returns {string[]} one line for each row
   */
  rows(now, seconds, answered) {
    const [input] = now.inputs;
    const output = now.outputs.find(({ name }) => name.startsWith("output-http"));
    if (input === undefined || output === undefined) return [];
    const rateIn = (output.received - this.#received) / seconds;
    const rateOut = (output.delivered - this.#delivered) / seconds;
    this.#received = output.received;
    this.#delivered = output.delivered;
    this.#rates = [...this.#rates, rateOut].slice(-CURVE_POINTS);
    const latency = output.stats.latencyMs;
    const different = now.comparison.mismatched;
    const lost = reasons([input.dropped, output.failed, output.dropped]);
    return [
      this.#row("production", answered, "answered"),
      this.#row("mirrorball in", output.received, `requests  ${perSecond(rateIn)}`),
      this.#row("mirrorball out", output.delivered, `replayed  ${perSecond(rateOut)}  ${this.#style("cyan", curve(this.#rates))}`), // prettier-ignore
      this.#row("waiting", output.queued, `in the queue, ${output.inFlight} under way`),
      this.#row("staging p50", ms(latency?.p50), `p90 ${ms(latency?.p90)}, p99 ${ms(latency?.p99)} ms`),
      this.#row("statuses", now.comparison.compared, `compared, ${this.#style(different > 0 ? "yellow" : "green", `${different} different`)}`), // prettier-ignore
      this.#row("lost", this.#style(now.lost > 0 ? "red" : "green", String(now.lost).padStart(8)), lost),
    ]; // prettier-ignore
  }

  /**
   * The whole screen.
   * @param {string[]} rows
   * @param {string} page address of the page
   */
  screen(rows, page) {
    const title = this.#style("bold", "mirrorball: production traffic, replayed against staging");
    return ["", `  ${title}`, "", ...rows.map((row) => `  ${row}`), "", `  ${this.#style("dim", "in a browser".padEnd(16))}${page}`, "", this.#style("dim", "  Ctrl-C stops, and says what staging answers differently")]; // prettier-ignore
  }

  /**
   * @param {string} name
   * @param {string | number} figure
   * @param {string} rest
   */
  #row(name, figure, rest) {
    return `${this.#style("dim", name.padEnd(16))}${String(figure).padStart(8)}  ${rest}`;
  }

  /**
   * @param {Style} style
   * @param {string} text
   */
  #style(style, text) {
    return this.#colours ? styleText(style, text) : text;
  }
}

/** @param {number} rate */
function perSecond(rate) {
  return `${rate.toFixed(0)}/s`.padStart(6);
}

/** @param {readonly number[]} rates */
function curve(rates) {
  const most = Math.max(...rates, 1);
  return rates
    .map((rate) => BARS[Math.round((Math.max(rate, 0) / most) * (BARS.length - 1))] ?? "")
    .join("");
}

/** @param {number | undefined} value */
function ms(value) {
  return value === undefined ? "-" : value.toFixed(1);
}

/** @param {readonly Readonly<Record<string, number>>[]} counts */
function reasons(counts) {
  return counts
    .flatMap((part) => Object.entries(part).map(([reason, count]) => `${reason} ${count}`))
    .join(", ");
}
