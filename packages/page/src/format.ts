/** How figures, times and sizes are written for people. Pure. */

export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : Math.round(value).toLocaleString("en");
}

export function rate(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  if (value >= 10_000) return `${(value / 1000).toFixed(1)}k`;
  return value >= 10 || value === 0 ? value.toFixed(0) : value.toFixed(1);
}

export function millis(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  if (value >= 10_000) return `${(value / 1000).toFixed(1)} s`;
  return value >= 100 ? `${value.toFixed(0)} ms` : `${value.toFixed(1)} ms`;
}

export function bytes(value: number): string {
  if (value < 1024) return `${value} B`;
  const units = ["KB", "MB", "GB", "TB"];
  let rest = value / 1024;
  let unit = 0;
  while (rest >= 1024 && unit < units.length - 1) {
    rest /= 1024;
    unit += 1;
  }
  return `${rest >= 100 ? rest.toFixed(0) : rest.toFixed(1)} ${units[unit] ?? ""}`;
}

export function clock(atMs: number): string {
  const at = new Date(atMs);
  const two = (value: number): string => String(value).padStart(2, "0");
  const ms = String(at.getMilliseconds()).padStart(3, "0");
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${ms}`;
}

/** The name of an output without its kind: where it leads. */
export function shortName(name: string): string {
  return name.replace(/^output-[a-z-]+ /, "").replace(/^output-/, "");
}

/** The colour of a status, as a class. */
export function statusClass(status: number | null): string {
  return status === null || status < 100 || status > 599 ? "s0" : `s${Math.floor(status / 100)}`;
}
