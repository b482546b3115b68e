/**
 * The report as one HTML file: no script, no network, nothing but text of what was captured. Pure. In: a report. Out: a page for people, light
 * and dark, that folds what is not looked at first.
 */
import type {
  DifferenceReport,
  EndpointReport,
  LatencyReport,
  NoiseReport,
  ReplayCommands,
  Report,
} from "../report/report.ts";

const STYLE = `
:root{color-scheme:light dark;--line:#8884;--soft:#8882;--bad:#b3261e;--warn:#9a6700;--good:#1a7f37}
@media (prefers-color-scheme:dark){:root{--bad:#ff8a80;--warn:#e3b341;--good:#56d364}}
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}
h1{font-size:1.6rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}
code,td.v{font-family:ui-monospace,monospace;font-size:.9em;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .6rem;border-top:1px solid var(--line);vertical-align:top}
details{border:1px solid var(--line);border-radius:.4rem;margin:.5rem 0;padding:.4rem .8rem}summary{cursor:pointer}
.critical,.different{color:var(--bad);font-weight:600}.major{color:var(--warn);font-weight:600}.same{color:var(--good)}
.soft{opacity:.75}pre{white-space:pre-wrap;overflow-wrap:anywhere}`;

export function htmlView(report: Report): string {
  const { verdict, exchanges, remarks, endpoints } = report;
  const differing = endpoints.filter(({ differences }) => differences.length > 0);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>mirrorball: ${verdict}</title><style>${STYLE}</style></head><body>
<h1 class="${verdict}">${verdict}</h1>
<p>${exchanges.compared} exchanges compared, ${exchanges.statusAlike} with the same status; ${exchanges.failed} failed, ${exchanges.unpaired} unpaired, ${exchanges.setAside} set aside.</p>
${remarks.map((remark) => `<p>${escaped(remark)}</p>`).join("\n")}
${differing.map(endpointSection).join("\n")}
<h2>What varies, and why it does not count</h2>
${endpoints
  .filter(({ noise }) => noise.length > 0)
  .map(noiseSection)
  .join("\n")}
<h2>Times</h2>
${latencyTable(report.latency)}
</body></html>
`;
}

function endpointSection({ method, route, requests, differences }: EndpointReport): string {
  return `<h2><code>${escaped(`${method} ${route}`)}</code> <span class="soft">${requests} exchanges</span></h2>
${differences.map(differenceSection).join("\n")}`;
}

function differenceSection(each: DifferenceReport): string {
  const {
    severity,
    part,
    path,
    kind,
    count,
    of,
    interval,
    evidence,
    rule,
    examples,
    consequences,
  } = each;
  const [low, high] = interval.map((share) => `${(share * 100).toFixed(1)} %`);
  const range = part === "latency" ? "" : `, ${low} to ${high}`;
  const sure = evidence === null ? "" : `, evidence ${evidence.toPrecision(3)}`;
  const ruled =
    rule === undefined
      ? ""
      : ` <span class="soft">${escaped(`${rule.action} by ${rule.owner}: ${rule.reason}`)}</span>`;
  const rows = examples
    .map(
      ({ id, original, replayed, control, where, replay }) =>
        `<tr><td><code>${escaped(id)}</code>${where === undefined ? "" : `<br>${escaped(where)}`}${commands(replay)}</td>${value(original)}${value(replayed)}${control === null ? "" : value(control)}</tr>`,
    )
    .join("");
  const after = consequences
    .map(
      ({ method, route, part: p, path: at, count: n }) =>
        `<li><code>${escaped(`${method} ${route}`)}</code> ${escaped(`${p} ${at}`)}, ${n}</li>`,
    )
    .join("");
  return `<details open><summary><span class="${severity}">${severity}</span> ${part} <code>${escaped(path)}</code> ${kind}: ${count} of ${of}${range}${sure}${ruled}</summary>
<table><tr><th>exchange</th><th>original</th><th>replayed</th></tr>${rows}</table>
${after === "" ? "" : `<p>What follows from it:</p><ul>${after}</ul>`}</details>`;
}

function commands(replay: ReplayCommands | undefined): string {
  const lines = [replay?.mirrorball, replay?.curl].flatMap((each) => each ?? []);
  if (lines.length === 0) return "";
  const shown = lines.map((line) => `<pre>${escaped(line)}</pre>`).join("");
  return `<details class="soft"><summary>again</summary>${shown}</details>`;
}

function value(text: string | null): string {
  return text === null ? '<td class="soft">nothing</td>' : `<td class="v">${escaped(text)}</td>`;
}

function noiseSection({ method, route, noise }: EndpointReport): string {
  const row = ({ part, path, why, count, of }: NoiseReport): string =>
    `<tr><td>${part} <code>${escaped(path)}</code></td><td>${escaped(why)}</td><td>${count} of ${of}</td></tr>`;
  return `<details><summary><code>${escaped(`${method} ${route}`)}</code></summary><table>${noise.map(row).join("")}</table></details>`;
}

function latencyTable(latency: readonly LatencyReport[]): string {
  const ms = (value: number | undefined): string => (value === undefined ? "" : value.toFixed(2));
  const rows = latency.map(({ method, route, original, replayed, control, ratio }) => {
    const base = control ?? original;
    return `<tr><td><code>${escaped(`${method} ${route}`)}</code></td><td>${ms(base?.p50)}</td><td>${ms(replayed.p50)}</td><td>${ms(base?.p99)}</td><td>${ms(replayed.p99)}</td><td>${ratio === null ? "" : ratio.toFixed(2)}</td></tr>`;
  });
  return `<table><tr><th>endpoint</th><th>p50 ms</th><th>replayed</th><th>p99 ms</th><th>replayed</th><th>ratio</th></tr>${rows.join("")}</table>`;
}

function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
