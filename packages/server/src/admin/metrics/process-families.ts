/**
 * What the process itself says of its health, under the names that Prometheus' clients use. Out: families. The event loop is watched from the moment a
 * `ProcessMetrics` is made, which costs one timer of Node's own; nothing else is done before somebody asks.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { IntervalHistogram } from "node:perf_hooks";
import type { Family } from "../../core/metrics/exposition.ts";

/** Milliseconds between two looks at the event loop: a delay of half of it is none that a replay would show. */
const RESOLUTION_MS = 20;
const NS_PER_SECOND = 1e9;
const US_PER_SECOND = 1e6;
const MS_PER_SECOND = 1000;

export class ProcessMetrics {
  readonly #version: string;
  readonly #delay: IntervalHistogram;

  /** `version`: of mirrorball. */
  constructor(version: string) {
    this.#version = version;
    this.#delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.#delay.enable();
  }

  close(): void {
    this.#delay.disable();
  }

  families(): Family[] {
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed } = process.memoryUsage();
    return [
      one("info", "mirrorball_build", "What runs.", 1, {
        version: this.#version,
        node: process.versions.node,
      }),
      one("counter", "process_cpu_seconds", "Time on the processors.", (user + system) / US_PER_SECOND),
      one("gauge", "process_resident_memory_bytes", "Memory that is resident.", rss),
      one("gauge", "process_start_time_seconds", "When the process began, since 1970.", performance.timeOrigin / MS_PER_SECOND),
      one("gauge", "nodejs_heap_size_used_bytes", "Memory of the JavaScript heap that is used.", heapUsed),
      one("gauge", "nodejs_eventloop_lag_p99_seconds", "How late the event loop was since the last look, in one of a hundred cases.", this.#lag()),
    ]; // prettier-ignore
  }

  /** Node's figure is the time from one look to the next, which is never shorter than what was asked for. */
  #lag(): number {
    const p99 = this.#delay.percentile(99) / NS_PER_SECOND;
    this.#delay.reset();
    return Math.max(0, p99 - RESOLUTION_MS / MS_PER_SECOND);
  }
}

function one(
  type: "counter" | "gauge" | "info",
  name: string,
  help: string,
  value: number,
  labels: Readonly<Record<string, string>> = {},
): Family {
  return { type, name, help, samples: [{ labels, value }] };
}
