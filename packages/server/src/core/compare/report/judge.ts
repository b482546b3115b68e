/**
 * Makes the report of a comparison: what is left of the differences, what follows from what, how sure that is. In: what the comparison kept.
 * Out: the report. Pure: asking again gives the same, and more once more has come.
 */
import { classesOf, isStrong } from "../../content/value-class.ts";
import type { ExchangeRef } from "../differences/place.ts";
import { curlCommand, mirrorballCommand } from "./replay-command.ts";
import { clockOffsetMs } from "../noise/clock-offset.ts";
import { CauseFinder } from "./causes.ts";
import type { EndpointRecord } from "../endpoint-record.ts";
import type { World } from "./explain.ts";
import { Findings } from "./findings.ts";
import type { Finding } from "./findings.ts";
import type { Kept } from "../kept.ts";
import { latencyOf } from "../noise/latency.ts";
import type { SlowEndpoint } from "../noise/latency.ts";
import { REPORT_SCHEMA } from "./report.ts";
import type { DifferenceReport, EndpointReport, ReplayCommands, Report } from "./report.ts";
import { examplesOf, severityOf, verdictOf } from "./verdict.ts";
import { evidence, wilson } from "../noise/statistics.ts";
import type { RunFacts } from "../types.ts";

export function judge(kept: Kept, facts: RunFacts): Report {
  return new Judge(kept).report(facts);
}

class Judge {
  readonly #kept: Kept;
  readonly #world: World;
  readonly #findings: Findings;

  constructor(kept: Kept) {
    this.#kept = kept;
    kept.renaming.decide();
    kept.controlRenaming.decide();
    this.#world = worldOf(kept);
    const controlWorld = { ...this.#world, renaming: kept.controlRenaming };
    this.#findings = new Findings(kept, this.#world, controlWorld);
  }

  report(facts: RunFacts): Report {
    const endpoints = [...this.#kept.endpoints.values()].filter(({ requests }) => requests > 0);
    const { reports: latency, slower } = latencyOf(endpoints);
    const { roots, consequences } = this.#roots();
    const made = endpoints.map((endpoint): EndpointReport => {
      const differences = roots
        .filter(({ record }) => record === endpoint)
        .map((finding) => differenceOf(finding, consequences.get(finding) ?? [], this.#commandsOf));
      for (const slow of slower) if (slow.endpoint === endpoint) differences.push(slowness(slow));
      return {
        method: endpoint.method,
        route: endpoint.route,
        requests: endpoint.requests,
        verdict: differences.length === 0 ? "same" : "different",
        differences: bySeverity(differences),
        noise: this.#findings.noiseOf(endpoint),
      };
    });
    return this.#whole(made, latency, facts);
  }

  readonly #commandsOf = ({ id, request }: ExchangeRef): ReplayCommands | undefined => {
    const { replay } = this.#kept.options;
    if (replay === undefined) return undefined;
    const { renaming } = this.#world;
    // A short value under another name than an id's may mean anything.
    const curl =
      request === undefined
        ? undefined
        : curlCommand(request, replay, ({ value, isId }) =>
            isId || isStrong(value, classesOf(value)) ? renaming.image(value) : undefined,
          );
    const mirrorball = mirrorballCommand(id, replay);
    return curl === undefined && mirrorball === undefined ? undefined : { curl, mirrorball };
  };

  /** Findings that stand by themselves, and for each what follows from it. */
  #roots(): { roots: Finding[]; consequences: Map<Finding, Finding[]> } {
    const findings = this.#findings.all;
    const { pairing, unsentWrites } = this.#kept;
    const finder = new CauseFinder(findings, unsentWrites, pairing.values, this.#world.session);
    const { causeOf, unsent } = finder.find();
    const consequences = new Map<Finding, Finding[]>();
    for (const finding of findings) {
      if (unsent.has(finding)) this.#setAside(finding);
      const cause = findings.find((each) => each === causeOf.get(finding));
      if (cause !== undefined)
        consequences.set(cause, [...(consequences.get(cause) ?? []), finding]);
    }
    const roots = findings.filter((each) => !causeOf.has(each) && !unsent.has(each));
    return { roots, consequences };
  }

  #setAside(finding: Finding): void {
    const { setAside } = this.#findings;
    for (const { occurrence } of finding.left) setAside.add(occurrence.exchange.index);
    this.#findings.note(finding.record, finding, "a write that was not replayed", finding.count);
  }

  #whole(endpoints: EndpointReport[], latency: Report["latency"], facts: RunFacts): Report {
    const { compared, statusAlike, failed, pairing } = this.#kept;
    const exchanges = {
      sent: compared + failed,
      compared,
      statusAlike,
      unpaired: pairing.unpaired,
      failed,
      setAside: this.#findings.setAside.size,
      skipped: facts.skipped,
    };
    const sorted = endpoints.sort(
      (x, y) => weight(y) - weight(x) || (keyOf(x) < keyOf(y) ? -1 : 1),
    );
    const { verdict, remarks } = verdictOf(
      exchanges,
      sorted,
      pairing.hasOriginals,
      this.#kept.options.control ? this.#kept.controlFailed : undefined,
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
}

function worldOf(kept: Kept): World {
  const { renaming, pairing, shiftMinMs, shiftMaxMs } = kept;
  const endpoints: EndpointRecord[] = [...kept.endpoints.values()];
  const clockMs = clockOffsetMs(endpoints.flatMap(({ rungs }) => [...rungs.values()]));
  return {
    renaming,
    values: pairing.values,
    session: (session) => pairing.sessions.current(session),
    clockMs,
    shiftMinMs: shiftMinMs + clockMs,
    shiftMaxMs: shiftMaxMs + clockMs,
    hostsA: pairing.hosts,
    hostsB: wordsOf(kept.options.hosts ?? []),
  };
}

function differenceOf(
  finding: Finding,
  followers: readonly Finding[],
  commandsOf: (exchange: ExchangeRef) => ReplayCommands | undefined,
): DifferenceReport {
  const { record, rungs, part, path, kind, count, left, onlyControl } = finding;
  const of = Math.max(record.requests, count);
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
    examples: examplesOf(left, rungs, commandsOf),
    consequences: followers.map((each) => ({
      method: each.record.method,
      route: each.record.route,
      part: each.part,
      path: each.path,
      count: each.count,
    })),
  };
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
}: SlowEndpoint): DifferenceReport {
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
