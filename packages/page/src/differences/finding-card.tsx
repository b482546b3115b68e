/** One place of one endpoint that differs: how often, how sure, examples of both sides, and what follows from it. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { Page } from "@mirrorball/server";
import { go } from "../state/address.ts";
import type { Finding } from "../state/report.ts";
import { copyText } from "../traffic/copy-text.ts";
import { count } from "../format.ts";
import { ruleOf } from "./rule-text.ts";

export interface FindingCardProps {
  readonly finding: Finding;
  readonly isNew: boolean;
}

export function FindingCard({ finding, isNew }: FindingCardProps): JSX.Element {
  const { endpoint, difference } = finding;
  const { part, path, kind, severity, rule, examples, consequences } = difference;
  const isOpen = useSignal(severity === "critical" || severity === "major");
  return (
    <article class={`card finding ${rule === undefined ? "" : "soft"}`}>
      <button
        type="button"
        class="fold"
        aria-expanded={isOpen.value}
        onClick={() => (isOpen.value = !isOpen.value)}
      >
        <i aria-hidden="true">{isOpen.value ? "▾" : "▸"}</i>
        <span class={`badge ${severity}`}>{severity}</span>
        {isNew && <span class="badge new">new</span>}
        <code>
          {endpoint.method} {endpoint.route}
        </code>
        <span>
          {part} <code>{path}</code> {kind !== part && kind}
        </span>
      </button>
      <p>{evidenceOf(difference)}</p>
      {rule !== undefined && (
        <p>
          {rule.action} by {rule.owner}: {rule.reason}
        </p>
      )}
      {isOpen.value && (
        <>
          <Examples examples={examples} />
          {consequences.length > 0 && (
            <p class="soft">
              What follows from it:{" "}
              {consequences
                .map(
                  (each) =>
                    `${each.method} ${each.route} ${each.part} ${each.path} (${each.count})`,
                )
                .join(", ")}
            </p>
          )}
          {(["ignore", "tolerate", "accept"] as const).map((action) => (
            <button
              key={action}
              type="button"
              onClick={() => void copyText(ruleOf(action, finding))}
            >
              Copy rule: {action}
            </button>
          ))}
        </>
      )}
    </article>
  );
}

function evidenceOf({ count: n, of, part, interval, evidence }: Page.DifferenceReport): string {
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  const [low, high] = interval;
  const range = part === "latency" ? "" : `, ${percent(low)} to ${percent(high)} of all`;
  const sure = evidence === null ? "" : `, evidence ${evidence.toPrecision(3)}`;
  return `${count(n)} of ${count(of)}${range}${sure}`;
}

function Examples({
  examples,
}: {
  readonly examples: readonly Page.DifferenceReport["examples"][number][];
}): JSX.Element {
  return (
    <table class="places">
      <thead>
        <tr>
          <th>exchange</th>
          <th>recorded</th>
          <th>replayed</th>
        </tr>
      </thead>
      <tbody>
        {examples.map(({ id, original, replayed, where }, i) => (
          <tr key={i}>
            <td>
              <button
                type="button"
                class="link"
                onClick={() => go({ view: "traffic", filter: id, open: undefined })}
              >
                {id}
              </button>
              {where !== undefined && <div class="soft">{where}</div>}
            </td>
            <td class="old">
              <code>{original ?? "nothing"}</code>
            </td>
            <td class="new">
              <code>{replayed ?? "nothing"}</code>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
