/**
 * Which of the two formats of metrics a client would rather have. In: its Accept field. Out: a format; Prometheus' when it names none of them, as
 * people with a browser or curl do.
 */
import type { ExpositionFormat } from "./exposition.ts";

/** What is longer is no Accept field of a scraper's: Prometheus' own has 200 characters. */
const ACCEPT_CHARS_MAX = 4096;
const OPENMETRICS = "application/openmetrics-text";
/** Each range that takes plain text, from the one that says least. */
const PLAIN = ["*/*", "text/*", "text/plain"];

export function formatFor(accept: string | undefined): ExpositionFormat {
  if (accept === undefined || accept.length > ACCEPT_CHARS_MAX) return "prometheus";
  let openmetrics = 0;
  let plain = { rank: -1, weight: 0 };
  for (const range of accept.toLowerCase().split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim());
    const weight = weightOf(parameters);
    // A version that we do not write is not what it asked for.
    if (type === OPENMETRICS && isOurs(parameters)) openmetrics = Math.max(openmetrics, weight);
    const rank = PLAIN.indexOf(type);
    if (rank > plain.rank) plain = { rank, weight };
    else if (rank >= 0 && rank === plain.rank)
      plain = { rank, weight: Math.max(plain.weight, weight) };
  }
  return openmetrics > 0 && openmetrics >= plain.weight ? "openmetrics" : "prometheus";
}

function isOurs(parameters: readonly string[]): boolean {
  const version = valueOf(parameters, "version");
  return version === undefined || version === "1.0.0" || version === "0.0.1";
}

function weightOf(parameters: readonly string[]): number {
  const text = valueOf(parameters, "q");
  if (text === undefined) return 1;
  const weight = Number(text);
  return weight >= 0 && weight <= 1 ? weight : 0;
}

function valueOf(parameters: readonly string[], name: string): string | undefined {
  const found = parameters.find((each) => each.startsWith(`${name}=`));
  return found?.slice(name.length + 1).replaceAll('"', "");
}
