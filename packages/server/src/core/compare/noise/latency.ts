/**
 * Compares how long endpoints take. In: times of exchanges, by endpoint. Out: percentiles, ratios with intervals, and which endpoints are slower.
 *
 * Recorded times are taken inside the service and replayed ones by a client, on another machine, under another load. What all endpoints share
 * at a moment is no endpoint's fault: of each exchange the typical addition of those around it is taken out. Slower means more than twice
 * the recorded time and five milliseconds above it, with an interval that clears both and the spread of everything else.
 */
import type { EndpointRecord, Times } from "../endpoint-record.ts";
import { quantileRanks } from "./statistics.ts";
import type { LatencyReport, Percentiles } from "../report/report.ts";

const SLOWER_RATIO_MIN = 2;
const SLOWER_MS_MIN = 5;
/** Fewer times say nothing of a median. */
const TIMES_MIN = 6;
/** Exchanges before and behind one that say what its moment adds. */
const AROUND = 24;
/** An endpoint must stand out from the spread of all by so much. */
const SPREADS_MIN = 4;
/** The first exchanges of a replay meet a target that is cold: connections are opened, code is compiled, pages are read. */
const COLD = 32;
/** Exchanges that are looked at in all. */
const SAMPLES_MAX = 50_000;

export interface SlowEndpoint {
  readonly endpoint: EndpointRecord;
  readonly ratio: number;
  readonly interval: readonly [low: number, high: number];
  readonly baseMs: number;
  readonly replayedMs: number;
}

export interface LatencyFacts {
  readonly reports: readonly LatencyReport[];
  readonly slower: readonly SlowEndpoint[];
}

interface Sample {
  readonly endpoint: EndpointRecord;
  readonly at: number;
  /** Replayed less recorded, in milliseconds. */
  readonly added: number;
}

export function latencyOf(endpoints: readonly EndpointRecord[]): LatencyFacts {
  const additions = ownAdditions(endpoints);
  const spread = median([...additions.values()].flat().map(Math.abs).sort(ascending));
  const slower: SlowEndpoint[] = [];
  const reports = endpoints.map((endpoint): LatencyReport => {
    const { method, route, originalMs, replayedMs, controlMs } = endpoint;
    const base = controlMs.count > 0 ? controlMs : originalMs;
    const compared = compare(
      base.sorted(),
      (additions.get(endpoint) ?? []).sort(ascending),
      spread,
    );
    if (compared?.isSlower === true) slower.push({ endpoint, ...compared });
    return {
      method,
      route,
      original: originalMs.count === 0 ? null : percentiles(originalMs),
      replayed: percentiles(replayedMs),
      control: controlMs.count === 0 ? null : percentiles(controlMs),
      ratio: compared === undefined ? null : compared.ratio,
      interval: compared === undefined ? null : compared.interval,
    };
  });
  return { reports, slower };
}

/** What each exchange took beyond those of other endpoints at the same moment. */
function ownAdditions(endpoints: readonly EndpointRecord[]): Map<EndpointRecord, number[]> {
  const samples = endpoints
    .flatMap((endpoint): Sample[] =>
      endpoint.timings.map(({ at, added }) => ({ endpoint, at, added })),
    )
    .slice(0, SAMPLES_MAX)
    .sort((x, y) => x.at - y.at);
  const own = new Map<EndpointRecord, number[]>();
  for (const [i, { endpoint, added }] of samples.entries()) {
    if (i < COLD) continue;
    const others: number[] = [];
    for (let j = Math.max(0, i - AROUND); j <= i + AROUND && j < samples.length; j += 1) {
      const other = samples[j];
      if (other !== undefined && other.endpoint !== endpoint) others.push(other.added);
    }
    // Alone, nothing tells what the moment added.
    if (others.length < TIMES_MIN) continue;
    const additions = own.get(endpoint) ?? [];
    additions.push(added - median(others.sort(ascending)));
    own.set(endpoint, additions);
  }
  return own;
}

function compare(
  base: readonly number[],
  additions: readonly number[],
  spread: number,
): (Omit<SlowEndpoint, "endpoint"> & { readonly isSlower: boolean }) | undefined {
  if (base.length < TIMES_MIN || additions.length < TIMES_MIN) return undefined;
  const baseMs = Math.max(median(base), 0.001);
  const [low = 0, high = 0] = quantileRanks(additions.length, 0.5).map((rank) => additions[rank]);
  const needed = Math.max(SLOWER_MS_MIN, baseMs * (SLOWER_RATIO_MIN - 1), spread * SPREADS_MIN);
  const ratioOf = (added: number): number => Math.max(0, baseMs + added) / baseMs;
  return {
    ratio: ratioOf(median(additions)),
    interval: [ratioOf(low), ratioOf(high)],
    baseMs,
    replayedMs: baseMs + median(additions),
    isSlower: low > needed,
  };
}

function ascending(x: number, y: number): number {
  return x - y;
}

function median(sorted: readonly number[]): number {
  return quantile(sorted, 0.5);
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function percentiles(times: Times): Percentiles {
  const sorted = times.sorted();
  return { p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95), p99: quantile(sorted, 0.99) };
}
