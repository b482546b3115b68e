/**
 * How the values of rules are read: `NAME:REGEXP`, `NAME: VALUE`, `NAME: 25%`, `REGEXP:TARGET` … as gor splits and trims
 * them. Texts in, compiled rules or the rule they break out. Every rule may be repeated.
 */
import { Refusal } from "../../component/option.ts";
import type { OptionMeta, OptionSpec } from "../../component/option.ts";
import { latin1FromUtf8 } from "../../core/latin1.ts";
import {
  PatternFault,
  compilePattern,
  compileReplacer,
  templateFault,
} from "../../core/regexp/regexp.ts";
import type { Pattern, Replacer } from "../../core/regexp/regexp.ts";

type RuleMeta = Omit<OptionMeta<never>, "default" | "defaultText"> & { readonly flag: string };

/** A list of what `read` makes of each value. */
function rules<T>(
  placeholder: string,
  meta: RuleMeta,
  read: (raw: string) => T | Refusal,
): OptionSpec<readonly T[]> {
  return {
    ...meta,
    default: [],
    defaultText: "",
    placeholder,
    kind: "list",
    parse: (raw) => {
      const rule = read(raw);
      return rule instanceof Refusal ? rule : [rule];
    },
  };
}

/** RFC 9110 5.6.2: what methods and field names are made of. */
const TOKEN = /^[!#$%&'*+.^_`|~\w-]+$/;
// oxlint-disable-next-line no-control-regex -- they would end the line they are put on
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/;
/** Fields that frame the body, which rules leave as it is. */
const FRAMING = new Set(["content-length", "transfer-encoding"]);

export function methods(meta: RuleMeta): OptionSpec<readonly string[]> {
  const refusal = new Refusal("must be a method such as GET");
  return rules("METHOD", meta, (raw) => (TOKEN.test(raw) ? raw : refusal));
}

export function patterns(meta: RuleMeta): OptionSpec<readonly Pattern[]> {
  return rules("REGEXP", meta, (raw) => orRefusal(compilePattern(raw)));
}

export interface HeaderPattern {
  readonly lowerName: string;
  readonly pattern: Pattern;
}

/** `NAME:REGEXP`, split at the first colon. */
export function headerPatterns(meta: RuleMeta): OptionSpec<readonly HeaderPattern[]> {
  return rules("NAME:REGEXP", meta, (raw) => {
    const named = nameAndRest(raw);
    if (named === undefined) return new Refusal(`must be NAME:REGEXP, as in ${meta.example ?? ""}`);
    const pattern = orRefusal(compilePattern(named.rest));
    return pattern instanceof Refusal ? pattern : { lowerName: named.name.toLowerCase(), pattern };
  });
}

export interface HeaderValue {
  readonly name: string;
  readonly lowerName: string;
  readonly value: string;
}

/** `NAME: VALUE`, split at the first colon, both trimmed. */
export function headerValues(meta: RuleMeta): OptionSpec<readonly HeaderValue[]> {
  return rules("'NAME: VALUE'", meta, (raw) => {
    const named = nameAndRest(raw);
    if (named === undefined) return new Refusal(`must be NAME: VALUE, as in ${meta.example ?? ""}`);
    const lowerName = named.name.toLowerCase();
    if (FRAMING.has(lowerName)) return framingRefusal(named.name);
    if (CONTROL.test(named.rest)) return new Refusal("must not contain control characters");
    return { name: named.name, lowerName, value: latin1FromUtf8(named.rest) };
  });
}

export interface Param {
  readonly name: string;
  readonly value: string;
}

/** `NAME=VALUE`, split at the first `=`, both trimmed; what is not encoded stays so. */
export function params(meta: RuleMeta): OptionSpec<readonly Param[]> {
  return rules("NAME=VALUE", meta, (raw) => {
    const at = raw.indexOf("=");
    const name = raw.slice(0, at).trim();
    const value = raw.slice(at + 1).trim();
    if (at < 0 || name === "")
      return new Refusal(`must be NAME=VALUE, as in ${meta.example ?? ""}`);
    if (/\s/.test(name + value) || CONTROL.test(name + value)) {
      return new Refusal("must not contain white space or control characters: write %20 or +");
    }
    return { name: latin1FromUtf8(name), value: latin1FromUtf8(value) };
  });
}

export interface Share {
  readonly name: string;
  /** From 0 to 100, with fractions. */
  readonly percent: number;
}

/** `NAME: 25%`, split at the first colon; gor's older spelling of the share is `1/4`. */
export function shares(meta: RuleMeta): OptionSpec<readonly Share[]> {
  const refusal = new Refusal(
    `must be NAME: PERCENT% from 0% to 100%, as in ${meta.example ?? ""}`,
  );
  return rules("'NAME: PERCENT%'", meta, (raw) => {
    const at = raw.indexOf(":");
    const name = raw.slice(0, at).trim();
    const percent = percentOf(raw.slice(at + 1).trim());
    if (at < 0 || name === "" || percent === undefined) return refusal;
    return { name: latin1FromUtf8(name), percent };
  });
}

function percentOf(text: string): number | undefined {
  const percent = /^(\d{1,3}(?:\.\d{1,9})?)\s*%$/.exec(text);
  const fraction = /^(\d{1,9})\/(\d{1,9})$/.exec(text);
  const value =
    percent !== null
      ? Number(percent[1])
      : fraction === null
        ? Number.NaN
        : (Number(fraction[1]) * 100) / Number(fraction[2]);
  return value >= 0 && value <= 100 ? value : undefined;
}

/** `REGEXP:TARGET`, split at the first colon before which a regular expression ends. */
export function urlRewrites(meta: RuleMeta): OptionSpec<readonly Replacer[]> {
  return rules("REGEXP:TARGET", meta, (raw) => {
    if (/\s/.test(raw.slice(raw.indexOf(":")))) {
      return new Refusal("must not contain white space behind its colon: write %20 or +");
    }
    return (
      replacerOf(raw, ":") ?? new Refusal(`must be REGEXP:TARGET, as in ${meta.example ?? ""}`)
    );
  });
}

export interface HeaderRewrite {
  readonly lowerName: string;
  readonly replacer: Replacer;
}

/** `NAME: REGEXP,VALUE`: split at the first colon, trimmed, then at the first comma before which a regular expression ends. */
export function headerRewrites(meta: RuleMeta): OptionSpec<readonly HeaderRewrite[]> {
  const refusal = new Refusal(`must be NAME: REGEXP,VALUE, as in ${meta.example ?? ""}`);
  return rules("'NAME: REGEXP,VALUE'", meta, (raw) => {
    const named = nameAndRest(raw);
    if (named === undefined) return refusal;
    const lowerName = named.name.toLowerCase();
    if (FRAMING.has(lowerName)) return framingRefusal(named.name);
    if (CONTROL.test(named.rest)) return new Refusal("must not contain control characters");
    const replacer = replacerOf(named.rest, ",") ?? refusal;
    return replacer instanceof Refusal ? replacer : { lowerName, replacer };
  });
}

/** gor split at the first separator and then failed on what was no expression, such as the `(?` of `(?:a|b)`. */
function replacerOf(raw: string, separator: string): Replacer | Refusal | undefined {
  let first: Refusal | undefined;
  for (let at = raw.indexOf(separator); at >= 0; at = raw.indexOf(separator, at + 1)) {
    const [source, template] = [raw.slice(0, at), raw.slice(at + 1)];
    const made = orRefusal(compileReplacer(source, template));
    // gor puts nothing in the place of a group that is not there: nobody means that.
    const fault = templateFault(source, template);
    if (fault !== undefined) return new Refusal(fault.rule);
    if (!(made instanceof Refusal)) return made;
    first ??= made;
  }
  return first;
}

function nameAndRest(raw: string): { readonly name: string; readonly rest: string } | undefined {
  const at = raw.indexOf(":");
  const name = raw.slice(0, at).trim();
  return at < 0 || !TOKEN.test(name) ? undefined : { name, rest: raw.slice(at + 1).trim() };
}

function framingRefusal(name: string): Refusal {
  return new Refusal(
    `must not change ${name}, which frames the body; rules leave bodies as they are`,
  );
}

function orRefusal<T extends Pattern | Replacer>(made: T | PatternFault): T | Refusal {
  return made instanceof PatternFault ? new Refusal(made.rule) : made;
}
