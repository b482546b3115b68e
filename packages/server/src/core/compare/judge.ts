/**
 * Makes the report of a comparison: explains what differs, finds noise, follows causes, and says what is left. In: what the comparison kept.
 * Out: the report. Pure: asking again gives the same, and more once more has come.
 */
import { clockOffsetMs } from "./clock-offset.ts";
import type { Comparison } from "./comparison.ts";
import { CauseFinder } from "./causes.ts";
import type { Suspect } from "./causes.ts";
import type { EndpointRecord } from "./endpoint-record.ts";
import { explain } from "./explain.ts";
import type { Left, World } from "./explain.ts";
import { latencyOf } from "./latency.ts";
import { isControlNoise, isOtherMagnitude, noiseReason } from "./noise.ts";
import type { Look } from "./noise.ts";
import type { Occurrence, Rung } from "./place.ts";
import { REPORT_SCHEMA } from "./report.ts";
import type {
  DifferenceKind,
  DifferenceReport,
  EndpointReport,
  NoiseReport,
  Report,
} from "./report.ts";
import { examplesOf, severityOf, verdictOf } from "./verdict.ts";
import { stateReason } from "./state.ts";
import { evidence, wilson } from "./statistics.ts";
import type { RunFacts } from "./types.ts";

/** A difference that nothing explained, with its numbers. */
interface Finding extends Suspect {
  readonly record: EndpointRecord;
  readonly rungs: Rung[];
  readonly left: Left[];
  /** Exchanges in all: the stored ones, and as large a share of those that were only counted. */
  count: number;
}

export function judge(comparison: Comparison, facts: RunFacts): Report {
  return new Judge(comparison).report(facts);
}

class Judge {
  readonly #comparison: Comparison;
  readonly #world: World;
  readonly #findings: Map<string, Finding> = new Map();
  readonly #noise: Map<EndpointRecord, NoiseReport[]> = new Map();
  readonly #pooled: ReadonlyMap<string, Pool>;
  /** Exchanges that the state of the copy explains. */
  readonly #setAside: Set<number> = new Set();

  constructor(comparison: Comparison) {
    this.#comparison = comparison;
    const { renaming, pairing, shiftMinMs, shiftMaxMs } = comparison;
    const clockMs = clockOffsetMs(
      [...comparison.endpoints.values()].flatMap(({ rungs }) => [...rungs.values()]),
    );
    this.#world = {
      renaming,
      values: pairing.values,
      session: (session) => pairing.sessions.current(session),
      clockMs,
      shiftMinMs: shiftMinMs + clockMs,
      shiftMaxMs: shiftMaxMs + clockMs,
      hostsA: pairing.hosts,
      hostsB: wordsOf(comparison.options.hosts ?? []),
    };
    this.#pooled = pooledLooks([...comparison.endpoints.values()]);
  }

  report(facts: RunFacts): Report {
    const endpoints = [...this.#comparison.endpoints.values()];
    for (const endpoint of endpoints) {
      for (const rung of endpoint.rungs.values()) this.#judgeRung(endpoint, rung);
    }
    const findings = [...this.#findings.values()];
    const { causeOf, unsent } = this.#causes(findings);
    const { reports: latency, slower } = latencyOf(
      endpoints.filter(({ requests }) => requests > 0),
    );
    const consequences = new Map<Finding, Finding[]>();
    for (const finding of findings) {
      if (unsent.has(finding)) {
        for (const { occurrence } of finding.left) this.#setAside.add(occurrence.exchange.index);
        this.#note(finding.record, finding, "a write that was not replayed", finding.count);
      }
      const cause = findings.find((each) => each === causeOf.get(finding));
      if (cause !== undefined)
        consequences.set(cause, [...(consequences.get(cause) ?? []), finding]);
    }
    const roots = findings.filter((each) => !causeOf.has(each) && !unsent.has(each));
    const made = endpoints.map((endpoint): EndpointReport => {
      const differences = roots
        .filter(({ record }) => record === endpoint)
        .map((finding) => this.#difference(finding, consequences.get(finding) ?? []));
      for (const slow of slower) if (slow.endpoint === endpoint) differences.push(slowness(slow));
      return {
        method: endpoint.method,
        route: endpoint.route,
        requests: endpoint.requests,
        verdict: differences.length === 0 ? "same" : "different",
        differences: bySeverity(differences),
        noise: this.#noise.get(endpoint) ?? [],
      };
    });
    return this.#whole(
      made.filter(({ requests }) => requests > 0),
      latency,
      facts,
    );
  }

  #whole(endpoints: EndpointReport[], latency: Report["latency"], facts: RunFacts): Report {
    const { compared, statusAlike, failed, pairing } = this.#comparison;
    const exchanges = {
      sent: compared + failed,
      compared,
      statusAlike,
      unpaired: pairing.unpaired,
      failed,
      setAside: this.#setAside.size,
      skipped: facts.skipped,
    };
    const sorted = endpoints.sort(
      (x, y) => weight(y) - weight(x) || (keyOf(x) < keyOf(y) ? -1 : 1),
    );
    const { verdict, remarks } = verdictOf(
      exchanges,
      sorted,
      pairing.hasOriginals,
      this.#comparison.options.control ? this.#comparison.controlFailed : undefined,
    );
    return {
      schema: REPORT_SCHEMA,
      verdict,
      remarks,
      exchanges,
      correlation: facts.correlation,
      endpoints: sorted,
      latency,
    };
  }

  #judgeRung(endpoint: EndpointRecord, rung: Rung): void {
    if (rung.count === 0) return;
    const { reasons, left } = explain(rung, this.#world);
    for (const [why, count] of reasons) this.#note(endpoint, rung, why, this.#scaled(rung, count));
    const byKind = new Map<DifferenceKind, Left[]>();
    for (const each of left) {
      const state = stateReason(rung, each.occurrence, this.#comparison);
      if (state !== undefined) {
        this.#setAside.add(each.occurrence.exchange.index);
        this.#note(endpoint, rung, state, 1);
      } else byKind.set(each.kind, [...(byKind.get(each.kind) ?? []), each]);
    }
    for (const [kind, some] of byKind) this.#judgeLeft(endpoint, rung, kind, some);
  }

  #judgeLeft(endpoint: EndpointRecord, rung: Rung, kind: DifferenceKind, left: Left[]): void {
    const controlled = left.filter(
      ({ occurrence }) => typeof occurrence.control === "string",
    ).length;
    const own = left.filter(({ occurrence }) => typeof occurrence.control !== "string");
    if (controlled > 0) this.#note(endpoint, rung, "control", this.#scaled(rung, controlled));
    const count = this.#scaled(rung, exchangesOf(own));
    if (count === 0) return;
    // A noisy place is still compared on the rungs above its noise.
    if (kind === rung.kind) {
      const counts = { onlyReplayed: count, onlyControl: rung.onlyControl, both: rung.both };
      const why = isControlNoise(counts)
        ? "control"
        : noiseReason(count, endpoint.requests, this.#looks(endpoint, rung));
      const occurrences = own.map(({ occurrence }) => occurrence);
      // A failure alerts at one occurrence: that it comes and goes is no excuse.
      const isSevere = rung.part === "status" && occurrences.some(isOtherStatusClass);
      const isBeyond = isOtherMagnitude(occurrences, rung.noiseRatio);
      const isExcused = why === "control" || !(isSevere || isBeyond);
      if (why !== undefined && isExcused) {
        return this.#note(endpoint, rung, why, count);
      }
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
    const key = `${record.key} ${rung.part} ${rung.path} ${kind}`;
    const known = this.#findings.get(key);
    const occurrences = left.map(({ occurrence }) => occurrence);
    if (known === undefined) {
      const { part, path } = rung;
      this.#findings.set(key, {
        record,
        endpoint: record.key,
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
    this.#findings.set(key, {
      ...known,
      occurrences: known.left.map(({ occurrence }) => occurrence),
    });
  }

  #looks(endpoint: EndpointRecord, rung: Rung): Look[] {
    const looks: Look[] = [
      { why: "probe", of: endpoint.probes, differed: rung.probesDiffered, mayBeState: false },
      { why: "repeats", of: endpoint.repeats, differed: rung.originalsDiffered, mayBeState: true },
    ];
    const pool = rung.part === "header" ? this.#pooled.get(poolKey(rung)) : undefined;
    if (pool !== undefined) {
      looks.push({
        why: "probe",
        of: pool.probes,
        differed: pool.probesDiffered,
        mayBeState: false,
      });
      looks.push({
        why: "repeats",
        of: pool.repeats,
        differed: pool.originalsDiffered,
        mayBeState: true,
      });
    }
    return looks;
  }

  #causes(findings: readonly Finding[]): ReturnType<CauseFinder["find"]> {
    const { pairing, unsentWrites } = this.#comparison;
    return new CauseFinder(findings, unsentWrites, pairing.values, this.#world.session).find();
  }

  #difference(finding: Finding, followers: readonly Finding[]): DifferenceReport {
    const { record, rungs, part, path, kind, count, left } = finding;
    const of = Math.max(record.requests, count);
    const onlyControl = rungs.reduce((sum, rung) => sum + rung.onlyControl, 0);
    return {
      part,
      path,
      kind,
      count,
      of,
      share: count / of,
      interval: wilson(count, of),
      evidence: record.controlled > 0 ? evidence(count, onlyControl) : null,
      severity: severityOf(finding),
      examples: examplesOf(left, rungs),
      consequences: followers.map((each) => ({
        method: each.record.method,
        route: each.record.route,
        part: each.part,
        path: each.path,
        count: each.count,
      })),
    };
  }

  #note(
    endpoint: EndpointRecord,
    { part, path }: { part: Rung["part"]; path: string },
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

  /** Of exchanges, when only some of them are stored. */
  #scaled({ count, stored }: Rung, some: number): number {
    const known = Math.max(1, new Set(stored.map(({ exchange }) => exchange.index)).size);
    return Math.min(count, Math.round((some * count) / known));
  }
}

interface Pool {
  probes: number;
  probesDiffered: number;
  repeats: number;
  originalsDiffered: number;
}

function poolKey({ path, where, kind }: Rung): string {
  return `${path} ${where} ${kind}`;
}

/** A header field that varies by itself does so on every endpoint. */
function pooledLooks(endpoints: readonly EndpointRecord[]): Map<string, Pool> {
  const pools = new Map<string, Pool>();
  let [probes, repeats] = [0, 0];
  for (const endpoint of endpoints) {
    probes += endpoint.probes;
    repeats += endpoint.repeats;
    for (const rung of endpoint.rungs.values()) {
      if (rung.part !== "header") continue;
      const key = poolKey(rung);
      const pool = pools.get(key) ?? {
        probes: 0,
        probesDiffered: 0,
        repeats: 0,
        originalsDiffered: 0,
      };
      pool.probesDiffered += rung.probesDiffered;
      pool.originalsDiffered += rung.originalsDiffered;
      pools.set(key, pool);
    }
  }
  for (const pool of pools.values()) {
    pool.probes = probes;
    pool.repeats = repeats;
  }
  return pools;
}

function isOtherStatusClass({ a, b }: Occurrence): boolean {
  return a.charAt(0) !== b.charAt(0);
}

function exchangesOf(left: readonly Left[]): number {
  return new Set(left.map(({ occurrence }) => occurrence.exchange.index)).size;
}

function wordsOf(hosts: readonly string[]): Set<string> {
  return new Set(
    hosts.flatMap((host) => [host, ...host.split(/[:/]/)]).filter((word) => word !== ""),
  );
}

function slowness({
  endpoint,
  ratio,
  interval,
  baseMs,
  replayedMs,
}: ReturnType<typeof latencyOf>["slower"][number]): DifferenceReport {
  return {
    part: "latency",
    path: "",
    kind: "slower",
    count: endpoint.requests,
    of: endpoint.requests,
    share: 1,
    interval,
    evidence: null,
    severity: ratio > 10 ? "major" : "minor",
    examples: [
      {
        id: "",
        original: `p50 ${baseMs.toFixed(2)} ms`,
        replayed: `p50 ${replayedMs.toFixed(2)} ms`,
        control: null,
      },
    ],
    consequences: [],
  };
}

const SEVERITIES = ["critical", "major", "minor"];

function bySeverity(differences: DifferenceReport[]): DifferenceReport[] {
  const rank = ({ severity }: DifferenceReport): number => SEVERITIES.indexOf(severity);
  return differences.sort((x, y) => rank(x) - rank(y) || y.count - x.count);
}

function weight({ differences }: EndpointReport): number {
  const [worst] = differences;
  return worst === undefined ? 0 : (3 - SEVERITIES.indexOf(worst.severity)) * 1e9 + worst.count;
}

function keyOf({ method, route }: EndpointReport): string {
  return `${route} ${method}`;
}
