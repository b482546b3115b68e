/**
 * The option `redact`: what users write, what the environment may say instead, and the checked rules the rest works with. Every
 * fault is told with the place, the rule and the value.
 */
import type { NameRule } from "./names.ts";
import { isFast } from "./patterns.ts";
import type { PatternRule } from "./patterns.ts";
import type { ReplaceAs } from "./replacer.ts";

/** A name, without case; `*` in it stands for any characters. `as` says what is put in place of the value. */
export type RedactName = string | { readonly name: string; readonly as?: ReplaceAs };
export type RedactPattern = RegExp | { readonly pattern: RegExp; readonly as?: ReplaceAs };

export interface RedactOptions {
  /** Adds the usual names of secrets: see the guide. `redact: "defaults"` says only this. */
  readonly defaults?: boolean;
  /** Header and trailer fields whose values are replaced, in requests and responses. */
  readonly headers?: readonly RedactName[];
  /** Query parameters, also of the URLs in Referer and Location. */
  readonly query?: readonly RedactName[];
  /** Cookies, in Cookie and Set-Cookie. */
  readonly cookies?: readonly RedactName[];
  /** Fields of JSON bodies, at any depth. */
  readonly json?: readonly RedactName[];
  /** Fields of URL-encoded and multipart forms. */
  readonly form?: readonly RedactName[];
  /** Whatever they match is replaced: in paths, values of all the above, and texts of bodies. */
  readonly patterns?: readonly RedactPattern[];
  /** What stands instead of a value; default `REDACTED`. */
  readonly replacement?: string;
  /** Makes keyed pseudonyms instead of marks, unless a rule says `as: "mark"`. Keep it secret. `MIRRORBALL_REDACT_KEY`. */
  readonly pseudonymKey?: string | Uint8Array;
}

/** The checked form. */
export interface RedactRules {
  readonly headers: readonly NameRule[];
  readonly query: readonly NameRule[];
  readonly cookies: readonly NameRule[];
  readonly json: readonly NameRule[];
  readonly form: readonly NameRule[];
  /** Names whose value is a secret unless it is a word. */
  readonly codes: readonly NameRule[];
  readonly patterns: readonly PatternRule[];
  readonly replacement: string;
  readonly pseudonymKey: string | Uint8Array | undefined;
}

type Check = (ok: boolean, name: string, rule: string, value: unknown) => void;
type Environment = Readonly<Record<string, string | undefined>>;
type ListName = "headers" | "query" | "cookies" | "json" | "form";

const REPLACEMENT_DEFAULT = "REDACTED";
/** Shorter keys can be guessed, and pseudonyms with them. */
const KEY_LENGTH_MIN = 16;
const LISTS: readonly ListName[] = ["headers", "query", "cookies", "json", "form"];
const NAMES = [...LISTS, "patterns", "defaults", "replacement", "pseudonymKey"];

const FIELD_DEFAULTS = [
  "*password*", "*passwd*", "*passcode*", "*passphrase*", "pwd", "*_pwd", "pass", "*secret*", "*token*", "*jwt*",
  "apikey", "api_key", "api-key", "x-api-key", "*_api_key", "*-api-key", "*access_key*", "*accesskey*", "*access-key*",
  "*private_key*", "*privatekey*", "*private-key*", "authorization", "*credential*", "bearer", "*csrf*", "*xsrf*",
  "*sessionid*", "*session_id*", "*session-id*", "*sessid*", "session", "sid", "*session_key*", "*sessionkey*",
  "saml*", "assertion", "*_assertion", "authorization_code", "auth_code", "authcode", "code_verifier",
  "otp", "*_otp", "*.otp", "*-otp", "totp", "pin", "*_pin", "*.pin", "*-pin", "cvv", "cvc", "ssn", "*_ssn", "card_number", "cardnumber",
  "*connection_string*", "*connectionstring*",
]; // prettier-ignore
const DEFAULTS: Readonly<Record<ListName, readonly string[]>> = {
  headers: [
    "*authorization", "www-authenticate", "authentication-info", "proxy-authenticate", "proxy-authentication-info", "apikey",
    "api-key", "*-api-key", "*apikey", "*-access-key", "*token*", "*secret*", "*password*", "*credential*", "x-auth*",
    "x-amz-signature", "x-amzn-oidc-*", "*session*", "*csrf*", "*xsrf*", "*jwt*", "*saml*", "*-otp", "dpop", "cookie2",
    "sec-websocket-protocol",
  ],
  cookies: ["*"],
  query: [...FIELD_DEFAULTS, "sig", "signature", "x-amz-signature", "x-goog-signature", "code"],
  json: FIELD_DEFAULTS,
  form: [...FIELD_DEFAULTS, "code"],
}; // prettier-ignore
/** In texts that are no forms these name errors and countries as well: see `JsonRules`. */
const CODE_DEFAULTS = ["code"];

export function redactRulesFrom(
  redact: unknown,
  env: Environment,
  check: Check,
): RedactRules | undefined {
  const isText = redact === "defaults";
  const given: Readonly<Record<string, unknown>> = isRecord(redact) ? redact : {};
  if (redact !== undefined && !isText)
    check(isRecord(redact), "redact", '"defaults" or an object of rules', redact);
  for (const name of Object.keys(given))
    check(NAMES.includes(name), `redact.${name}`, `one of ${NAMES.join(", ")}`, name);

  const defaults = given["defaults"] ?? (isText || env["MIRRORBALL_REDACT"] === "defaults");
  check(typeof defaults === "boolean", "redact.defaults", "true or false", defaults);
  const mode = env["MIRRORBALL_REDACT"] ?? "";
  check(mode === "" || mode === "defaults", "MIRRORBALL_REDACT", '"defaults"', mode);
  const replacement = given["replacement"] ?? REPLACEMENT_DEFAULT;
  check(typeof replacement === "string", "redact.replacement", "a text", replacement);
  const mark = typeof replacement === "string" ? replacement : REPLACEMENT_DEFAULT;
  if (typeof replacement === "string") {
    // It stands in header fields and cookies.
    check(
      /^[\x21-\x7e]*$/.test(replacement) && !/[;,"\\]/.test(replacement),
      "redact.replacement", "a text of visible ASCII characters without , ; \" and \\", replacement,
    ); // prettier-ignore
  }
  const key = keyFrom(given["pseudonymKey"] ?? env["MIRRORBALL_REDACT_KEY"], check);
  const context = { hasKey: key !== undefined, check };
  const lists = Object.fromEntries(
    LISTS.map((name) => [
      name,
      [
        // The user's rules come first: their `as` counts.
        ...namesFrom(given[name] ?? listFrom(env[`MIRRORBALL_REDACT_${name.toUpperCase()}`]), name, context),
        ...(defaults === true ? namesFrom(DEFAULTS[name], name, context) : []),
      ],
    ]),
  ) as Record<ListName, NameRule[]>; // prettier-ignore
  const patterns = patternsFrom(given["patterns"], context);
  if (patterns.length === 0 && LISTS.every((name) => lists[name].length === 0)) return undefined;
  const codes = defaults === true ? namesFrom(CODE_DEFAULTS, "json", context) : [];
  return { ...lists, codes, patterns, replacement: mark, pseudonymKey: key };
}

function keyFrom(key: unknown, check: Check): string | Uint8Array | undefined {
  if (key === undefined) return undefined;
  const isKey = (typeof key === "string" || key instanceof Uint8Array) && key.length >= KEY_LENGTH_MIN; // prettier-ignore
  const rule = `a text or bytes of at least ${KEY_LENGTH_MIN}`;
  check(isKey, "redact.pseudonymKey", rule, new Hidden());
  return isKey ? key : undefined;
}

/** Shown in place of a value that must not be shown. */
class Hidden {
  toJSON(): string {
    return "(hidden)";
  }
}

interface Context {
  readonly hasKey: boolean;
  readonly check: Check;
}

function namesFrom(list: unknown, option: ListName, context: Context): NameRule[] {
  if (list === undefined) return [];
  const place = `redact.${option}`;
  if (!Array.isArray(list)) {
    context.check(false, place, "a list of names", list);
    return [];
  }
  const rules: NameRule[] = [];
  for (const [i, item] of (list as unknown[]).entries()) {
    const { name, as } = isRecord(item) ? item : { name: item, as: undefined };
    const isName = typeof name === "string" && name !== "";
    context.check(isName, `${place}[${i}]`, "a name, or { name, as }", item);
    if (isName) rules.push({ name, as: asFrom(as, `${place}[${i}]`, context) });
  }
  return rules;
}

function patternsFrom(list: unknown, context: Context): PatternRule[] {
  if (list === undefined) return [];
  const place = "redact.patterns";
  if (!Array.isArray(list)) {
    context.check(false, place, "a list of regular expressions", list);
    return [];
  }
  const rules: PatternRule[] = [];
  for (const [i, item] of (list as unknown[]).entries()) {
    const { pattern, as } =
      isRecord(item) && !(item instanceof RegExp) ? item : { pattern: item, as: undefined };
    if (!(pattern instanceof RegExp)) {
      context.check(false, `${place}[${i}]`, "a regular expression, or { pattern, as }", item);
      continue;
    }
    const fast = isFast(pattern);
    const rule = "an expression whose time grows with the text only (no repetition within a repetition)"; // prettier-ignore
    context.check(fast, `${place}[${i}]`, rule, String(pattern));
    if (fast) rules.push({ pattern, as: asFrom(as, `${place}[${i}]`, context) });
  }
  return rules;
}

function asFrom(as: unknown, place: string, { hasKey, check }: Context): ReplaceAs {
  const isAs = as === undefined || as === "mark" || as === "pseudonym";
  check(isAs, `${place}.as`, '"mark" or "pseudonym"', as);
  check(
    as !== "pseudonym" || hasKey,
    `${place}.as`, 'set together with redact.pseudonymKey when it is "pseudonym"', as,
  ); // prettier-ignore
  return as === "mark" || as === "pseudonym" ? as : hasKey ? "pseudonym" : "mark";
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function listFrom(text: string | undefined): string[] | undefined {
  return text?.split(",").map((name) => name.trim()).filter((name) => name !== ""); // prettier-ignore
}
