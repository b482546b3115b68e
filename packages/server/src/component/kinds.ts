/**
 * Constructors of option specs, one a kind. Each knows how to read a raw text, what rule to state when it cannot,
 * and the placeholder that help shows. gor's syntaxes (Go durations, sizes in powers of 1024) are read as gor
 * reads them, plus the spellings its documentation promised and its code refused (`k`, `m`, `g`).
 */
import { TOKEN_CHARS_MIN } from "@mirrorball/protocol/messages";
import { Refusal } from "./option.ts";
import type { OptionMeta, OptionSpec } from "./option.ts";

/** Any text. */
export function text(
  meta: OptionMeta<string> & { readonly placeholder?: string },
): OptionSpec<string> {
  return { placeholder: "TEXT", ...meta, kind: "value", parse: (raw) => raw };
}

/** A text that nobody may see: never shown; also from a file and from the environment. */
export function secret(meta: Omit<OptionMeta<string>, "secret" | "default">): OptionSpec<string> {
  return { ...meta, default: "", secret: true, placeholder: "SECRET", kind: "value", parse: (raw) => raw }; // prettier-ignore
}

/** A secret that two ends prove to each other; empty is none. */
export function token(meta: Omit<OptionMeta<string>, "secret" | "default">): OptionSpec<string> {
  const rule = new Refusal(`must have at least ${TOKEN_CHARS_MIN} characters`);
  const parse = (raw: string): string | Refusal =>
    raw === "" || raw.length >= TOKEN_CHARS_MIN ? raw : rule;
  return { ...secret(meta), parse };
}

const TRUE_WORDS = new Set(["1", "t", "T", "true", "TRUE", "True"]);
const FALSE_WORDS = new Set(["0", "f", "F", "false", "FALSE", "False"]);

/** A switch: `--flag`, `--flag=false`. Go's words for true and false. */
export function flag(meta: OptionMeta<boolean>): OptionSpec<boolean> {
  return {
    ...meta,
    placeholder: "",
    kind: "boolean",
    schema: { type: "boolean" },
    parse: (raw) => {
      if (TRUE_WORDS.has(raw)) return true;
      return FALSE_WORDS.has(raw) ? false : new Refusal("must be true or false");
    },
  };
}

/** A whole number within bounds. */
export function integer(
  meta: OptionMeta<number> & { readonly min: number; readonly max: number },
): OptionSpec<number> {
  const { min, max, ...rest } = meta;
  const rule = new Refusal(`must be a whole number from ${min} to ${max}`);
  return {
    ...rest,
    placeholder: "N",
    kind: "value",
    schema: { type: "integer", minimum: min, maximum: max },
    parse: (raw) => {
      if (!/^-?\d{1,15}$/.test(raw)) return rule;
      const value = Number(raw);
      return value >= min && value <= max ? value : rule;
    },
  };
}

const MS_PER_UNIT: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const DURATION_PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/gy;

/** The same for editors; a bare number must be 0. */
const DURATION_PATTERN = "^(0|((\\d+(\\.\\d*)?|\\.\\d+)(ns|us|µs|ms|s|m|h))+)$";

/** Go's duration syntax, to milliseconds: `300ms`, `1.5s`, `1h30m`; a bare `0` is zero. */
export function parseDurationMs(raw: string): number | undefined {
  if (raw === "0") return 0;
  let total = 0;
  let at = 0;
  for (const part of raw.matchAll(DURATION_PART)) {
    total += Number(part[1]) * (MS_PER_UNIT[part[2] ?? ""] ?? 0);
    at += part[0].length;
  }
  return at === raw.length && raw !== "" ? total : undefined;
}

/** A duration in milliseconds, at least `min`. Declare it under a key that ends in `Ms`. */
export function duration(
  meta: OptionMeta<number> & { readonly min?: number; readonly minText?: string },
): OptionSpec<number> {
  const { min = 0, minText = `${min}ms`, ...rest } = meta;
  const syntax = "must be a duration such as 300ms, 1.5s or 2m";
  const rule = new Refusal(min === 0 ? syntax : `${syntax}, at least ${minText}`);
  return {
    defaultText: formatDuration(meta.default),
    ...rest,
    placeholder: "DURATION",
    kind: "value",
    schema: { type: ["string", "integer"], pattern: DURATION_PATTERN },
    parse: (raw) => {
      const value = parseDurationMs(raw);
      return value === undefined || value < min ? rule : value;
    },
  };
}

/** The shortest exact spelling: 5000 is `5s`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return "0";
  for (const [unit, size] of [
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1000],
  ] as const) {
    if (ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms}ms`;
}

const SIZE = /^(0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO]?[0-7_]*|[1-9][\d_]*)([kmgt]b?)?$/i;
const SIZE_POWERS: Readonly<Record<string, number>> = { "": 0, k: 1, m: 2, g: 3, t: 4 };

/** gor's sizes: a Go integer literal and an optional `kb`, `mb`, `gb`, `tb` (or `k` …), powers of 1024. */
export function parseSizeBytes(raw: string): number | undefined {
  const match = SIZE.exec(raw);
  if (match === null) return undefined;
  const digits = (match[1] ?? "").replaceAll("_", "");
  // Go reads a leading zero as octal; Number() wants its newer spelling.
  const value = Number(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits);
  const power = SIZE_POWERS[(match[2] ?? "").charAt(0).toLowerCase()] ?? 0;
  const bytes = value * 1024 ** power;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** A number of bytes. Declare it under a key that ends in `Bytes`. */
export function size(meta: OptionMeta<number> & { readonly min?: number }): OptionSpec<number> {
  const { min = 0, ...rest } = meta;
  const syntax = "must be a size such as 512, 64kb, 32mb or 1gb";
  const rule = new Refusal(min === 0 ? syntax : `${syntax}, at least ${formatSize(min)}`);
  return {
    defaultText: formatSize(meta.default),
    ...rest,
    placeholder: "SIZE",
    kind: "value",
    schema: { type: ["string", "integer"], minimum: min },
    parse: (raw) => {
      const value = parseSizeBytes(raw);
      return value === undefined || value < min ? rule : value;
    },
  };
}

/** The largest unit that divides: 33554432 is `32mb`. */
export function formatSize(bytes: number): string {
  const units = ["", "kb", "mb", "gb", "tb"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && value % 1024 === 0 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value}${units[unit] ?? ""}`;
}

/** An option that may be repeated: `item` says how one value is read; the values come in the order they were given. */
export function list<T>(item: OptionSpec<T>): OptionSpec<readonly T[]> {
  return {
    ...item,
    default: [],
    defaultText: "",
    kind: "list",
    parse: (raw) => {
      const value = item.parse(raw);
      return value instanceof Refusal ? value : [value];
    },
  };
}

/** One of a few words. */
export function choice<const W extends string>(
  words: readonly W[],
  meta: OptionMeta<W>,
): OptionSpec<W> {
  const rule = new Refusal(`must be one of ${words.join(", ")}`);
  return {
    ...meta,
    placeholder: words.join("|"),
    kind: "value",
    schema: { enum: words },
    parse: (raw) => words.find((word) => word === raw) ?? rule,
  };
}
