/** What flows now and in the last minutes: rates, times, queues, and the books of each output. */
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { Notice } from "../parts/notice.tsx";
import { hello, now } from "../state/connection.ts";
import { columnOf, minutes, seconds } from "../state/history.ts";
import { bytes, count, millis, rate, shortName } from "../format.ts";
import { Chart } from "./chart.tsx";
import type { Line } from "./chart.tsx";
import { InputList } from "./input-list.tsx";
import { OutputCard } from "./output-card.tsx";
import { Tile } from "./tile.tsx";

const isDay = signal(false);

export function NowView(): JSX.Element {
  const [start, state] = [hello.value, now.value];
  if (start === undefined || state === undefined)
    return <Notice title="Waiting for the first second" />;
  const figure = (name: string): number | null =>
    state.values[start.columns.findIndex((column) => column.name === name)] ?? null;
  const first = start.outputs.findIndex((name) => name.startsWith("output-http "));
  const { counters, kept } = state;
  return (
    <div class="now">
      <section class="tiles" aria-label="now">
        <Tile label="requests in" value={rate(figure("requests"))} unit="/s" />
        {first >= 0 && (
          <>
            <Tile label="replayed" value={rate(figure(`${first}.delivered`))} unit="/s" />
            <Tile label="target p50" value={millis(figure(`${first}.p50`))} />
            <Tile label="target p99" value={millis(figure(`${first}.p99`))} />
            <Tile label="in the queue" value={count(figure(`${first}.queued`))} />
          </>
        )}
        <Tile
          label="statuses that differ"
          value={count(counters.comparison.mismatched)}
          note={`of ${count(counters.comparison.compared)}`}
          tone={counters.comparison.mismatched > 0 ? "warn" : "good"}
        />
        <Tile label="lost" value={count(counters.lost)} tone={counters.lost > 0 ? "bad" : "good"} />
        <Tile
          label="kept for this page"
          value={bytes(kept.bytes)}
          note={
            kept.oneOf > 1
              ? `1 exchange of ${kept.oneOf}: more come than can be read`
              : `${count(kept.exchanges)} exchanges`
          }
        />
      </section>
      <div class="range" role="group" aria-label="time shown">
        <button type="button" aria-pressed={!isDay.value} onClick={() => (isDay.value = false)}>
          10 minutes
        </button>
        <button type="button" aria-pressed={isDay.value} onClick={() => (isDay.value = true)}>
          1 day
        </button>
      </div>
      <Charts first={first} />
      <section aria-label="books">
        <h2>The books</h2>
        {counters.outputs.map((output) => (
          <OutputCard key={output.name} output={output} />
        ))}
        <InputList counters={counters} />
      </section>
    </div>
  );
}

function Charts({ first }: { readonly first: number }): JSX.Element | null {
  const start = hello.value;
  if (start === undefined) return null;
  const rows = isDay.value ? minutes.value : seconds.value;
  const times = rows.map(([at]) => at ?? 0);
  const line = (name: string, label: string, tone: Line["tone"]): Line => ({
    label,
    tone,
    values: columnOf(
      rows,
      start.columns.findIndex((column) => column.name === name),
    ),
  });
  const tones = ["b", "c", "d", "e"] as const;
  // Those that replay are what people look for; what only stores or compares counts other things than requests.
  const replays = start.outputs.some((name) => name.startsWith("output-http "));
  const delivered = start.outputs.flatMap((name, i) =>
    i < tones.length && (!replays || name.startsWith("output-http "))
      ? [line(`${i}.delivered`, shortName(name), tones[i] ?? "b")]
      : [],
  );
  return (
    <div class="charts">
      <Chart
        title="a second"
        times={times}
        lines={[line("requests", "requests in", "a"), ...delivered]}
        write={rate}
      />
      {first >= 0 && (
        <Chart
          title="times of the target"
          times={times}
          lines={[
            line(`${first}.p50`, "p50", "a"),
            line(`${first}.p90`, "p90", "b"),
            line(`${first}.p99`, "p99", "c"),
          ]}
          write={millis}
        />
      )}
    </div>
  );
}
