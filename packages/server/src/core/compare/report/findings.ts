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
import { Rung } from "../differences/place.ts";
import type { Occurrence } from "../differences/place.ts";
import type { DifferenceKind, NoiseReport, Part } from "./report.ts";
import { stateReason } from "../noise/state.ts";

/** A difference that nothing explained, with its numbers. */
export interface Finding extends Suspect {
  readonly record: EndpointRecord;
  readonly rungs: Rung[];
  readonly left: Left[];
  /** Exchanges in all: the stored ones, and as large a share of those that were only counted. */
  count: number;
  /** Exchanges in which only the control differs there. */
  onlyControl: number;
}

/** What the control does at a place, its own ids and clock left out. */
interface Controls {
  readonly alike: ReadonlySet<Occurrence>;
  readonly onlyControl: number;
}

export class Findings {
  /** Exchanges that the state of the copy explains. */
  readonly setAside: Set<number> = new Set();
  readonly #kept: Kept;
  readonly #world: World;
  readonly #controlWorld: World;
  readonly #looks: Looks;
  readonly #all: Map<string, Finding> = new Map();
  readonly #noise: Map<EndpointRecord, NoiseReport[]> = new Map();

  constructor(kept: Kept, world: World, controlWorld: World) {
    this.#kept = kept;
    this.#world = world;
    this.#controlWorld = controlWorld;
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
      const state = stateReason(rung, each, this.#kept);
      if (state !== undefined) {
        this.setAside.add(each.occurrence.exchange.index);
        this.note(endpoint, rung, state, 1);
      } else byKind.set(each.kind, [...(byKind.get(each.kind) ?? []), each]);
    }
    if (left.length === 0) return;
    const controls = this.#controlsOf(rung);
    for (const [kind, some] of byKind) this.#judgeLeft(endpoint, rung, kind, some, controls);
  }

  /** Where the control differs, and not only by its own ids and clock: in which exchanges the target does, too, and in how many it does not. */
  #controlsOf(rung: Rung): Controls {
    const control = new Rung(rung.part, rung.path, rung.where, rung.kind);
    const sources = new Map<Occurrence, Occurrence>();
    for (const each of rung.stored) {
      if (typeof each.control !== "string") continue;
      const answered = { ...each, b: each.control };
      sources.set(answered, each);
      control.add(answered);
    }
    for (const each of rung.controls) control.add(each);
    const { left } = explain(control, this.#controlWorld);
    const alike = left.flatMap(({ occurrence }) => sources.get(occurrence) ?? []);
    const alone = left.filter(({ occurrence }) => !sources.has(occurrence)).length;
    const share = rung.controls.length === 0 ? 0 : alone / rung.controls.length;
    return { alike: new Set(alike), onlyControl: Math.round(rung.onlyControl * share) };
  }

  #judgeLeft(
    endpoint: EndpointRecord,
    rung: Rung,
    kind: DifferenceKind,
    left: Left[],
    { alike, onlyControl }: Controls,
  ): void {
    const isControlled = ({ occurrence }: Left): boolean =>
      alike.has(occurrence) || occurrence.control === occurrence.b;
    const controlled = left.filter(isControlled).length;
    const own = left.filter((each) => !isControlled(each));
    if (controlled > 0) this.note(endpoint, rung, "control", scaled(rung, controlled));
    const count = scaled(rung, exchangesOf(own));
    if (count === 0) return;
    // A noisy place is still compared on the rungs above its noise.
    if (kind === rung.kind) {
      const counts = { onlyReplayed: count, onlyControl, both: alike.size };
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
    this.#add(endpoint, rung, kind, own, { count, onlyControl });
  }

  /** Places that share a path and a kind are one difference in the report. */
  #add(
    record: EndpointRecord,
    rung: Rung,
    kind: DifferenceKind,
    left: Left[],
    { count, onlyControl }: Pick<Finding, "count" | "onlyControl">,
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
        onlyControl,
      });
      return;
    }
    known.rungs.push(rung);
    known.onlyControl += onlyControl;
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
