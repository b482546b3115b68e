/** The JSON schema of `--config` files, made from the flags, for editors. In: flags. Out: text. */
import { defaultTextOf } from "../flags.ts";
import type { FlagInfo, OptionFlag } from "../flags.ts";
import type { ValueSchema } from "../option.ts";

const TEXT: ValueSchema = { type: ["string", "number"] };

export function configSchema(flags: readonly FlagInfo[]): string {
  const properties: Record<string, unknown> = {};
  for (const flag of flags) {
    // A file cannot name another one.
    if (flag.name === "config") continue;
    const schema = { description: describe(flag), ...valueSchema(flag), ...defaultOf(flag) };
    properties[flag.name] = schema;
    for (const alias of flag.aliases) properties[alias] = { ...schema, deprecated: true };
  }
  const schema = {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "mirrorball --config",
    type: "object",
    additionalProperties: false,
    properties,
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

function describe(flag: FlagInfo): string {
  return flag.example === undefined ? flag.help : `${flag.help} Example: ${flag.example}`;
}

function valueSchema(flag: FlagInfo): ValueSchema {
  if (flag.role === "option") {
    const item = flag.spec.schema ?? TEXT;
    return flag.spec.kind === "list" ? oneOrMore(item) : item;
  }
  return flag.argument === undefined ? { type: "boolean" } : oneOrMore(TEXT);
}

function oneOrMore(item: ValueSchema): ValueSchema {
  return { anyOf: [item, { type: "array", items: item }] };
}

/** As one would write it: `5s`, not 5000. */
function defaultOf(flag: FlagInfo): { readonly default?: unknown } {
  if (flag.role === "instance") return {};
  const { spec } = flag;
  if (spec.kind === "boolean") return { default: spec.default };
  return isPlainInteger(flag) ? { default: spec.default } : textDefault(flag);
}

function isPlainInteger({ spec }: OptionFlag): boolean {
  return spec.schema?.["type"] === "integer" && typeof spec.default === "number";
}

function textDefault({ spec }: OptionFlag): { readonly default?: unknown } {
  const text = defaultTextOf(spec);
  return text === undefined || spec.parse(text) !== spec.default ? {} : { default: text };
}
