/**
 * Goes through the rungs of all endpoints: what is explained becomes a note among the noise, what the state of the copy explains is set
 * aside, and the rest is a finding. In: what a comparison kept and what the run learned. Out: findings, notes, exchanges set aside.
 */
import type { Suspect } from "./causes.ts";
import type { EndpointRecord } from "../endpoint-record.ts";
import { explain } from "./explain.ts";
import type { Left, World } from "./explain.ts";
import type { Kept } from "../kept.ts";
import { Looks } from "../noise/looks.ts";
import { isControlNoise, isOtherMagnitude, noiseReason } from "../noise/noise.ts";
import type { Occurrence, Rung } from "../differences/place.ts";
import type { DifferenceKind, NoiseReport, Part } from "./report.ts";
import { stateReason } from "../noise/state.ts";

/** A difference that nothing explained, with its numbers. */
export interface Finding extends Suspect {
  readonly record: EndpointRecord;
  readonly rungs: Rung[];
  readonly left: Left[];
  /** Exchanges in all: the stored ones, and as large a share of those that were only counted. */
  count: number;
}

export class Findings {
  /** Exchanges that the state of the copy explains. */
  readonly setAside: Set<number> = new Set();
  readonly #kept: Kept;
  readonly #world: World;
  readonly #looks: Looks;
  readonly #all: Map<string, Finding> = new Map();
  readonly #noise: Map<EndpointRecord, NoiseReport[]> = new Map();

  constructor(kept: Kept, world: World) {
    this.#kept = kept;
    this.#world = world;
    const endpoints = [...kept.endpoints.values()];
    this.#looks = new Looks(endpoints);
    for (const endpoint of endpoints) {
      for (const rung of endpoint.rungs.values()) this.#judgeRung(endpoint, rung);
    }
  }

  get all(): Finding[] {
    return [...this.#all.values()];
  }

  noiseOf(endpoint: EndpointRecord): readonly NoiseReport[] {
    return this.#noise.get(endpoint) ?? [];
  }

  note(
    endpoint: EndpointRecord,
    { part, path }: { readonly part: Part; readonly path: string },
    why: string,
    count: number,
  ): void {
    const notes = this.#noise.get(endpoint) ?? [];
    this.#noise.set(endpoint, notes);
    const at = notes.findIndex(
      (note) => note.part === part && note.path === path && note.why === why,
    );
    const before = notes[at]?.count ?? 0;
    const of = endpoint.requests;
    const note = { part, path, why, count: Math.min(of, before + count), of };
    if (at < 0) notes.push(note);
    else notes[at] = note;
  }

  #judgeRung(endpoint: EndpointRecord, rung: Rung): void {
    if (rung.count === 0) return;
    const { reasons, left } = explain(rung, this.#world);
    for (const [why, count] of reasons) this.note(endpoint, rung, why, scaled(rung, count));
    const byKind = new Map<DifferenceKind, Left[]>();
    for (const each of left) {
      const state = stateReason(rung, each.occurrence, this.#kept);
      if (state !== undefined) {
        this.setAside.add(each.occurrence.exchange.index);
        this.note(endpoint, rung, state, 1);
      } else byKind.set(each.kind, [...(byKind.get(each.kind) ?? []), each]);
    }
    for (const [kind, some] of byKind) this.#judgeLeft(endpoint, rung, kind, some);
  }

  #judgeLeft(endpoint: EndpointRecord, rung: Rung, kind: DifferenceKind, left: Left[]): void {
    const controlled = left.filter(
      ({ occurrence }) => typeof occurrence.control === "string",
    ).length;
    const own = left.filter(({ occurrence }) => typeof occurrence.control !== "string");
    if (controlled > 0) this.note(endpoint, rung, "control", scaled(rung, controlled));
    const count = scaled(rung, exchangesOf(own));
    if (count === 0) return;
    // A noisy place is still compared on the rungs above its noise.
    if (kind === rung.kind) {
      const counts = { onlyReplayed: count, onlyControl: rung.onlyControl, both: rung.both };
      const why = isControlNoise(counts)
        ? "control"
        : noiseReason(count, endpoint.requests, this.#looks.of(endpoint, rung));
      const occurrences = own.map(({ occurrence }) => occurrence);
      // A failure alerts at one occurrence: that it comes and goes is no excuse.
      const isSevere = rung.part === "status" && occurrences.some(isOtherStatusClass);
      const isBeyond = isOtherMagnitude(occurrences, rung.noiseRatio);
      const isExcused = why === "control" || !(isSevere || isBeyond);
      if (why !== undefined && isExcused) return this.note(endpoint, rung, why, count);
    }
    this.#add(endpoint, rung, kind, own, count);
  }

  /** Places that share a path and a kind are one difference in the report. */
  #add(
    record: EndpointRecord,
    rung: Rung,
    kind: DifferenceKind,
    left: Left[],
    count: number,
  ): void {
    const { part, path } = rung;
    const key = `${record.key} ${part} ${path} ${kind}`;
    const known = this.#all.get(key);
    if (known === undefined) {
      const occurrences = left.map(({ occurrence }) => occurrence);
      const endpoint = record.key;
      this.#all.set(key, {
        record,
        endpoint,
        part,
        path,
        kind,
        rungs: [rung],
        left,
        occurrences,
        count,
      });
      return;
    }
    known.rungs.push(rung);
    known.left.push(...left);
    known.count = Math.min(record.requests, Math.max(known.count, exchangesOf(known.left)));
    this.#all.set(key, {
      ...known,
      occurrences: known.left.map(({ occurrence }) => occurrence),
    });
  }
}

/** Of exchanges, when only some of them are stored. */
function scaled({ count, stored }: Rung, some: number): number {
  const known = Math.max(1, new Set(stored.map(({ exchange }) => exchange.index)).size);
  return Math.min(count, Math.round((some * count) / known));
}

function isOtherStatusClass({ a, b }: Occurrence): boolean {
  return a.charAt(0) !== b.charAt(0);
}

function exchangesOf(left: readonly Left[]): number {
  return new Set(left.map(({ occurrence }) => occurrence.exchange.index)).size;
}
