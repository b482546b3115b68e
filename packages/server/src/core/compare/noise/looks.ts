/**
 * The looks for noise that a rung had: two asks of the target in a row, originals of equal requests, and for header fields those of all
 * endpoints. In: what was counted. Out: looks, for `noise.ts`. Pure.
 */
import type { EndpointRecord } from "../endpoint-record.ts";
import type { Look } from "./noise.ts";
import type { Rung } from "../differences/place.ts";

interface Counts {
  probes: number;
  probesDiffered: number;
  repeats: number;
  originalsDiffered: number;
}

export class Looks {
  /** A header field that varies by itself does so on every endpoint. */
  readonly #pools: Map<string, Counts> = new Map();

  constructor(endpoints: readonly EndpointRecord[]) {
    const probes = endpoints.reduce((sum, each) => sum + each.probes, 0);
    const repeats = endpoints.reduce((sum, each) => sum + each.repeats, 0);
    for (const rung of endpoints.flatMap(({ rungs }) => [...rungs.values()])) {
      if (rung.part !== "header") continue;
      const key = poolKey(rung);
      const pool = this.#pools.get(key) ?? {
        probes,
        probesDiffered: 0,
        repeats,
        originalsDiffered: 0,
      };
      pool.probesDiffered += rung.probesDiffered;
      pool.originalsDiffered += rung.originalsDiffered;
      this.#pools.set(key, pool);
    }
  }

  of({ probes, repeats }: EndpointRecord, rung: Rung): Look[] {
    const { probesDiffered, originalsDiffered } = rung;
    const own = looksOf({ probes, probesDiffered, repeats, originalsDiffered });
    const pool = rung.part === "header" ? this.#pools.get(poolKey(rung)) : undefined;
    return pool === undefined ? own : [...own, ...looksOf(pool)];
  }
}

function looksOf({ probes, probesDiffered, repeats, originalsDiffered }: Counts): Look[] {
  return [
    { why: "probe", of: probes, differed: probesDiffered, mayBeState: false },
    { why: "repeats", of: repeats, differed: originalsDiffered, mayBeState: true },
  ];
}

function poolKey({ path, where, kind }: Rung): string {
  return `${path} ${where} ${kind}`;
}
