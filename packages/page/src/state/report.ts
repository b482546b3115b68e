/** What the comparison says, asked for while somebody looks at it; and which of it this reader has seen before. */
import { signal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import type { Page } from "@mirrorball/server";
import { ask } from "./ask.ts";

const AGAIN_MS = 3000;
const SEEN_KEY = "mirrorball-seen";
/** Differences that are remembered as seen. */
const SEEN_MAX = 5000;

export const report: Signal<Page.Report | "loading" | "none"> = signal("loading");

/** Asks again and again until the returned function is called. */
export function followReport(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isOver = false;
  const load = async (): Promise<void> => {
    const found = await ask<Page.Report>("/api/report").catch(() => undefined);
    if (isOver) return;
    if (found !== undefined) report.value = found;
    else if (report.value === "loading") report.value = "none";
    timer = setTimeout(() => void load(), AGAIN_MS);
  };
  void load();
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}

/** One place of one endpoint, with what the inbox needs. */
export interface Finding {
  readonly key: string;
  readonly endpoint: Page.EndpointReport;
  readonly difference: Page.DifferenceReport;
}

const SEVERITIES: readonly Page.Severity[] = ["critical", "major", "minor"];

/** The most severe first; among those, the surest, then the most frequent. What a rule accepted comes last. */
export function findingsOf({ endpoints }: Page.Report): Finding[] {
  const all = endpoints.flatMap((endpoint) =>
    endpoint.differences.map((difference): Finding => {
      const { part, path, kind } = difference;
      return { key: `${endpoint.method} ${endpoint.route} ${part} ${path} ${kind}`, endpoint, difference }; // prettier-ignore
    }),
  );
  const rank = ({ difference: { rule, severity } }: Finding): number =>
    (rule === undefined ? 0 : SEVERITIES.length) + SEVERITIES.indexOf(severity);
  return all.toSorted(
    (a, b) =>
      rank(a) - rank(b) ||
      (b.difference.evidence ?? 0) - (a.difference.evidence ?? 0) ||
      b.difference.share - a.difference.share,
  );
}

export function seenBefore(): ReadonlySet<string> {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(SEEN_KEY) ?? "[]");
    return new Set(Array.isArray(kept) ? kept.filter((each) => typeof each === "string") : []);
  } catch {
    return new Set();
  }
}

export function rememberSeen(keys: readonly string[]): void {
  const all = [...new Set([...seenBefore(), ...keys])].slice(-SEEN_MAX);
  localStorage.setItem(SEEN_KEY, JSON.stringify(all));
}
