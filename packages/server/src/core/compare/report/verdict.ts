/** How severe a difference is, which examples show it, and the verdict of a whole report. Pure. */
import type { Left } from "./explain.ts";
import type { ExchangeRef, Rung } from "../differences/place.ts";
import type {
  DifferenceKind,
  EndpointReport,
  Example,
  Part,
  ReplayCommands,
  Report,
  Severity,
  Verdict,
} from "./report.ts";

/** Fields on which clients and browsers act. */
const ACTED_UPON: ReadonlySet<string> = new Set([
  "content-type",
  "content-encoding",
  "location",
  "set-cookie",
  "www-authenticate",
  "cache-control",
  "access-control-allow-origin",
  "strict-transport-security",
]);
const EXAMPLES_MAX = 3;

interface Judged {
  readonly part: Part;
  readonly path: string;
  readonly kind: DifferenceKind;
  readonly left: readonly Left[];
}

export function severityOf({ part, path, kind, left }: Judged): Severity {
  if (kind === "leak") return "critical";
  if (part === "status") return left.some(isOtherClass) ? "critical" : "major";
  if (part === "header") return ACTED_UPON.has(path) ? "major" : "minor";
  // No body, or another kind of body.
  if ((path === "" || path === "$") && (kind === "missing" || kind === "type")) return "critical";
  return kind === "value" || kind === "text" || kind === "order" || kind === "added"
    ? "minor"
    : "major";
}

function isOtherClass({ occurrence: { a, b } }: Left): boolean {
  return a.charAt(0) !== b.charAt(0);
}

/** Different ones first: values and sessions that were not shown yet. */
export function examplesOf(
  all: readonly Left[],
  rungs: readonly Rung[],
  commandsOf: (exchange: ExchangeRef) => ReplayCommands | undefined,
): Example[] {
  // Those that can be replayed by a command come first.
  const left = [...all.filter(canBeReplayed), ...all.filter((each) => !canBeReplayed(each))];
  const shown: Left[] = [];
  const seen = new Set<string>();
  for (const each of left) {
    const look = `${each.occurrence.a}\u0000${each.occurrence.b}`;
    if (shown.length < EXAMPLES_MAX && !seen.has(look)) shown.push(each);
    seen.add(look);
  }
  for (const each of left) {
    if (shown.length >= EXAMPLES_MAX) break;
    if (!shown.some(({ occurrence }) => occurrence.exchange === each.occurrence.exchange))
      shown.push(each);
  }
  return shown.map(({ occurrence, kind }) => {
    const rung = rungs.find(({ stored }) => stored.includes(occurrence));
    const { a, b, control, exchange } = occurrence;
    return {
      id: exchange.id,
      original: kind === "added" ? null : a,
      replayed: kind === "missing" ? null : b,
      control: control ?? (control === null ? a : null),
      where: rung === undefined || rung.where === "" ? undefined : rung.where,
      replay: commandsOf(exchange),
    };
  });
}

function canBeReplayed({ occurrence }: Left): boolean {
  return occurrence.exchange.request !== undefined;
}

/** A share of exchanges that could not be compared beyond which "same" would say too much. */
const UNKNOWN_SHARE_MAX = 0.05;

export function verdictOf(
  exchanges: Report["exchanges"],
  endpoints: readonly EndpointReport[],
  hasOriginals: boolean,
  /** Exchanges without an answer of the control; undefined where there is no control. */
  controlFailed: number | undefined,
): { verdict: Verdict; remarks: string[] } {
  const remarks: string[] = [];
  const { compared, failed, unpaired, setAside, sent } = exchanges;
  if (!hasOriginals && controlFailed === undefined && sent + unpaired > 0) {
    remarks.push(
      "the recording has no responses, so there is nothing to compare with: give --control URL of a build that is known to be good",
    );
  }
  if (controlFailed !== undefined && controlFailed > 0) {
    remarks.push(`the control gave no answer to ${controlFailed} requests`);
  }
  if (compared === 0) remarks.push("no exchange was compared");
  if (failed > 0) remarks.push(`${failed} requests got no answer`);
  if (unpaired > compared * UNKNOWN_SHARE_MAX)
    remarks.push(`${unpaired} exchanges had only one side`);
  if (setAside > compared * UNKNOWN_SHARE_MAX) {
    remarks.push(`${setAside} exchanges were set aside: the state of the copy explains them`);
  }
  if (endpoints.some(({ verdict }) => verdict === "different"))
    return { verdict: "different", remarks };
  return { verdict: remarks.length > 0 ? "inconclusive" : "same", remarks };
}
