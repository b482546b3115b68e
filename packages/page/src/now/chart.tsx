/** Lines over time, drawn by uPlot. In: times in seconds and values. It draws again when they change, and fits the width it is given. */
import { useEffect, useRef } from "preact/hooks";
import type { JSX } from "preact";
import uPlot from "uplot";
import { theme } from "../state/theme.ts";

export interface Line {
  readonly label: string;
  readonly tone: "a" | "b" | "c" | "d" | "e";
  readonly values: readonly (number | null)[];
}

export interface ChartProps {
  readonly title: string;
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  readonly write: (value: number | null | undefined) => string;
}

const HEIGHT = 180;

export function Chart({ title, times, lines, write }: ChartProps): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const data = [times, ...lines.map(({ values }) => values)] as uPlot.AlignedData;
  // Another set of lines or colours is another picture.
  const key = `${lines.map(({ label }) => label).join("|")}|${theme.value}`;
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const made = new uPlot(optionsOf(element, lines, write), data, element);
    plot.current = made;
    const watch = new ResizeObserver(() =>
      made.setSize({ width: element.clientWidth, height: HEIGHT }),
    );
    watch.observe(element);
    return () => {
      watch.disconnect();
      made.destroy();
    };
  }, [key]);
  useEffect(() => plot.current?.setData(data), [times, lines]);
  return (
    <figure class="chart">
      <figcaption>
        {title}
        {lines.map(({ label, tone, values }) => (
          <span key={label} class={`key tone-${tone}`}>
            <i aria-hidden="true" />
            {label} <b>{write(values.at(-1))}</b>
          </span>
        ))}
      </figcaption>
      <div ref={place} />
    </figure>
  );
}

function optionsOf(
  element: HTMLElement,
  lines: readonly Line[],
  write: ChartProps["write"],
): uPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour("--soft"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
    font: "11px system-ui",
  };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false },
    scales: { y: { range: (_, __, most) => [0, Math.max(1, (most ?? 0) * 1.1)] } },
    axes: [
      { ...axis, values: (_, ticks) => ticks.map((tick) => timeOf(tick, ticks)) },
      { ...axis, size: 56, values: (_, ticks) => ticks.map((tick) => write(tick)) },
    ],
    series: [
      {},
      ...lines.map(({ label, tone }) => ({
        label,
        stroke: colour(`--tone-${tone}`),
        width: 1.5,
        points: { show: false },
        spanGaps: false,
      })),
    ],
  };
}

/** Hours and minutes; seconds where the ticks are closer than that. */
function timeOf(tick: number, ticks: readonly number[]): string {
  const at = new Date(tick * 1000);
  const two = (value: number): string => String(value).padStart(2, "0");
  const isClose = (ticks[1] ?? 0) - (ticks[0] ?? 0) < 60;
  return `${two(at.getHours())}:${two(at.getMinutes())}${isClose ? `:${two(at.getSeconds())}` : ""}`;
}
