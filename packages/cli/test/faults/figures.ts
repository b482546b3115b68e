// The figures of a fault test: printed, and collected in a file when `npm run torture` asks for it.
import { appendFileSync } from "node:fs";

/** One row of the table at the end of `npm run torture`. */
export function report(fault: string, figures: Readonly<Record<string, number>>): void {
  const file = process.env["MIRRORBALL_FIGURES"];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify({ fault, figures })}\n`);
  const text = Object.entries(figures).map(([name, value]) => `${name} ${round(value)}`);
  console.log(`${fault}: ${text.join(", ")}`);
}

function round(value: number): string {
  return Number.isInteger(value) || value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
