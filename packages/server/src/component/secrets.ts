/**
 * Secrets from where nobody else can read them: the list of processes shows every word of a command. Each option that is declared as a
 * secret gets `--NAME-file FILE` and an environment variable. In: raw flags. Out: raw flags without those of files, the
 * values in their place, or an error for each file. What is said on the command line or in a config file wins over the environment.
 */
import type { RawFlag } from "./argv.ts";
import { environmentOf } from "./flags.ts";
import type { FlagInfo, OptionFlag } from "./flags.ts";

/** Where secrets may be. */
export interface SecretSources {
  /** Throws with a reason. */
  readonly readText: (file: string) => string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export function withSecrets(
  raw: readonly RawFlag[],
  flags: readonly FlagInfo[],
  { readText, environment }: SecretSources,
): { readonly raw: readonly RawFlag[]; readonly errors: readonly string[] } {
  const errors: string[] = [];
  const found = raw.flatMap((one): RawFlag[] => {
    const { flag, value, origin } = one;
    if (flag.role !== "option" || flag.secretOf === undefined) return [one];
    const place = origin === undefined ? `--${flag.name}` : `${origin}: ${flag.name}`;
    try {
      return valuesOf(flag.secretOf, readText(value), `${place} ${value}`);
    } catch (error) {
      errors.push(`${place}: ${value}: ${error instanceof Error ? error.message : String(error)}`);
      return [];
    }
  });
  const given = new Set(found.map(({ flag }) => flag));
  for (const flag of flags) {
    const name = environmentOf(flag);
    if (flag.role !== "option" || name === undefined || given.has(flag)) continue;
    const text = environment[name];
    if (text !== undefined && text !== "") found.push(...valuesOf(flag, text, name));
  }
  return { raw: found, errors };
}

/** Line ends at the end are no part of a secret; of what may be repeated each line is one. */
function valuesOf(flag: OptionFlag, text: string, origin: string): RawFlag[] {
  const whole = text.replace(/^\ufeff/, "").replace(/[\r\n]{1,64}$/, "");
  if (whole === "") throw new Error("is empty");
  const values = flag.spec.kind === "list" ? whole.split(/\r?\n/).filter((line) => line !== "") : [whole]; // prettier-ignore
  return values.map((value) => ({ flag, value, origin }));
}
