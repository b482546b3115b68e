/** The option kinds that only a replay of files has. */
import { Refusal } from "../../component/option.ts";
import type { OptionMeta, OptionSpec } from "../../component/option.ts";

/** As fast as the outputs take it. */
export const SPEED_MAX: number = Number.POSITIVE_INFINITY;

/** `200%`, `0.5` or `max`, as a factor. */
export function speed(meta: OptionMeta<number>): OptionSpec<number> {
  const rule = new Refusal("must be a percentage above 0 such as 200%, or max");
  return {
    ...meta,
    placeholder: "PERCENT|max",
    kind: "value",
    parse: (raw) => {
      if (raw === "max") return SPEED_MAX;
      const match = /^(\d{1,9}(?:\.\d{1,9})?)(%?)$/.exec(raw);
      const factor = Number(match?.[1]) / (match?.[2] === "%" ? 100 : 1);
      return factor > 0 ? factor : rule;
    },
  };
}

/** `500/s`, `30/m` or a bare number a second; 0 means none. */
export function rate(meta: OptionMeta<number>): OptionSpec<number> {
  const rule = new Refusal("must be a number of requests a second above 0 such as 500/s");
  return {
    ...meta,
    placeholder: "N/s",
    kind: "value",
    parse: (raw) => {
      const match = /^(\d{1,9}(?:\.\d{1,9})?)(?:\/(s|m|h))?$/.exec(raw);
      const perSecond = Number(match?.[1]) / (SECONDS[match?.[2] ?? "s"] ?? 1);
      return perSecond > 0 ? perSecond : rule;
    },
  };
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };
