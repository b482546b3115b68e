/**
 * Option kinds: how a raw value (a flag's text, a value from a config file) becomes a typed one, and what
 * help says about it. An option is declared once, beside the component it belongs to.
 *
 * A parser returns the value or a `Refusal` that states the rule; it never throws.
 */

/** Why a raw value is not acceptable: the rule, as in "must be a duration such as 300ms, 1.5s or 2m". */
export class Refusal {
  readonly rule: string;
  constructor(rule: string) {
    this.rule = rule;
  }
}

export interface OptionMeta<T> {
  /** One sentence for `--help`. */
  readonly help: string;
  /** It belongs on the first page of help, in these few words. */
  readonly firstPage?: string;
  /** A value as one would type it. */
  readonly example?: string;
  /** The value when the flag is absent, already typed. */
  readonly default: T;
  /** How the default reads in help, when `String(default)` is not it: `5s` for 5000. */
  readonly defaultText?: string;
  /** Older or alternative flag names, without dashes, complete: `output-http-header`. */
  readonly aliases?: readonly string[];
  /**
   * A full flag name, without dashes, for options that gor does not prefix by their component's name:
   * `http-original-host`.
   */
  readonly flag?: string;
  /** The value of a flag that is written without one, where that is allowed: gor's `--verbose`. */
  readonly bare?: string;
  /** It may hold a secret: it is not shown, and can be given in a file and by the environment, too (`secrets.ts`). */
  readonly secret?: boolean;
  /** How a value is shown to people, when that is not the whole; of a secret nothing is, by default. */
  readonly show?: (raw: string) => string;
  /** What follows the component's name in the flag, when that is not the key: `stats-ms`. */
  readonly suffix?: string;
}

/** What a config file may hold for an option, as JSON schema. */
export type ValueSchema = Readonly<Record<string, unknown>>;

export interface OptionSpec<T> extends OptionMeta<T> {
  /** The word behind the flag in help: `DURATION`, `SIZE`, `N`. Empty for booleans. */
  readonly placeholder: string;
  readonly kind: "boolean" | "value" | "list";
  /** Any text or number when absent. Of a list, that of one item. */
  readonly schema?: ValueSchema;
  readonly parse: (raw: string) => T | Refusal;
}

export type OptionSpecs = Readonly<Record<string, OptionSpec<unknown>>>;

/** The typed values of a set of options: `{ timeoutMs: OptionSpec<number> }` gives `{ timeoutMs: number }`. */
export type OptionValues<S extends OptionSpecs> = {
  readonly [K in keyof S]: S[K] extends OptionSpec<infer T> ? T : never;
};
