/** The ledger of one output as a picture that adds up: what it received, and what became of each message. */
import type { JSX } from "preact";
import type { Page } from "@mirrorball/server";
import { count, millis } from "../format.ts";

interface Fate {
  readonly name: string;
  readonly count: number;
  readonly tone: "good" | "plain" | "wait" | "bad";
}

export function OutputCard({ output }: { readonly output: Page.OutputCounters }): JSX.Element {
  const fates = fatesOf(output).filter((fate) => fate.count > 0);
  const { latencyMs, statuses, concurrency } = output.stats;
  return (
    <article class="card">
      <h3>{output.name}</h3>
      <div
        class="bar"
        role="img"
        aria-label={`${output.name}: ${sentence(output.received, fates)}`}
      >
        {fates.map((fate) => (
          <span key={fate.name} class={`part ${fate.tone}`} style={{ flexGrow: fate.count }} />
        ))}
      </div>
      <p class="sum">
        <b>{count(output.received)}</b> received = {fates.length === 0 && "nothing yet"}
        {fates.map((fate, i) => (
          <span key={fate.name}>
            {i > 0 && " + "}
            <b class={fate.tone}>{count(fate.count)}</b> {fate.name}
          </span>
        ))}
      </p>
      <p class="soft">
        {latencyMs !== undefined && latencyMs.max > 0 && (
          <>
            whole run: p50 {millis(latencyMs.p50)}, p90 {millis(latencyMs.p90)}, p99{" "}
            {millis(latencyMs.p99)}
            {" · "}
          </>
        )}
        {statuses !== undefined &&
          Object.entries(statuses)
            .filter(([, n]) => n > 0)
            .map(([name, n]) => `${name} ${count(n)}`)
            .join(", ")}
        {concurrency !== undefined && ` · ${concurrency} under way`}
      </p>
    </article>
  );
}

function fatesOf(output: Page.OutputCounters): Fate[] {
  const reasons = (
    word: string,
    counts: Readonly<Record<string, number>>,
    tone: Fate["tone"],
  ): Fate[] =>
    Object.entries(counts).map(([reason, n]) => ({ name: `${word} (${reason})`, count: n, tone }));
  return [
    { name: "delivered", count: output.delivered, tone: "good" },
    ...reasons("filtered", output.filtered, "plain"),
    ...reasons("limited", output.limited, "plain"),
    { name: "queued", count: output.queued, tone: "wait" },
    { name: "under way", count: output.inFlight, tone: "wait" },
    ...reasons("failed", output.failed, "bad"),
    ...reasons("dropped", output.dropped, "bad"),
  ];
}

function sentence(received: number, fates: readonly Fate[]): string {
  return `${received} received = ${fates.map((fate) => `${fate.count} ${fate.name}`).join(" + ")}`;
}
