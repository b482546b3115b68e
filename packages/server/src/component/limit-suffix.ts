/**
 * `ADDRESS|LIMIT`, which gor takes on every input and output: text to address and limit. What a limit does is
 * `core/limit/`; on inputs that play recordings a percentage is a speed.
 */
import type { Limit } from "../core/limit/limiter.ts";
import { Refusal } from "./option.ts";

export interface Limited {
  readonly argument: string;
  readonly limit: Limit | undefined;
}

const RULE = new Refusal(
  "the limit behind | must be a number of requests a second such as |10, or a percentage such as |25%",
);

/** gor ignores what follows a second `|`; so do we. */
export function splitLimit(raw: string): Limited | Refusal {
  const [argument = "", limit] = raw.split("|");
  if (limit === undefined) return { argument, limit: undefined };
  const match = /^\s*(\d{1,9}(?:\.\d{1,9})?)(%?)\s*$/.exec(limit);
  if (match === null) return RULE;
  const value = Number(match[1]);
  if (match[2] === "%") return { argument, limit: { kind: "percent", percent: value } };
  return Number.isInteger(value)
    ? { argument, limit: { kind: "absolute", perSecond: value } }
    : RULE;
}
