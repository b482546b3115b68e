/**
 * The text of a `--config` file, YAML or JSON, to raw flags: the same names as on the command line, without dashes. A list
 * repeats a flag. Values are not judged here but where the command line's are, by the same rules; what is told
 * of them names the line.
 *
 * In: text. Out: raw flags and every fault of the file's form. Which files there are is not known here.
 */
import { createRequire } from "node:module";
import type * as Yaml from "yaml";
import type { Document, Node } from "yaml";
import { flagsByName, suggestion } from "./argv.ts";
import type { ParsedArgv, RawFlag } from "./argv.ts";
import { isSwitch } from "./flags.ts";
import type { FlagInfo } from "./flags.ts";
import { reasonUnsupported } from "./unsupported-flags.ts";

const load = createRequire(import.meta.url);

/** Loaded with the first file: most runs have none. */
function yaml(): typeof Yaml {
  return load("yaml") as typeof Yaml;
}

export function parseConfig(text: string, file: string, flags: readonly FlagInfo[]): ParsedArgv {
  const lines = new (yaml().LineCounter)();
  const document = yaml().parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): string => `${file}:${lines.linePos(offset).line}`;
  if (document.errors.length > 0) {
    const errors = document.errors.map(
      ({ code, pos, message }) =>
        `${at(pos[0])}: ${code === "DUPLICATE_KEY" ? twice(text.slice(pos[0])) : withoutQuotes(message)}`,
    );
    return { raw: [], errors };
  }
  const { contents } = document;
  // Nothing but comments.
  if (contents === null) return { raw: [], errors: [] };
  if (!yaml().isMap(contents)) {
    return {
      raw: [],
      errors: [`${file}: must hold names and values, such as input-tcp: ":28020"`],
    };
  }
  const byName = flagsByName(flags);
  const raw: RawFlag[] = [];
  const errors: string[] = [];
  for (const { key, value } of contents.items) {
    const name = yaml().isScalar(key) ? String(key.value) : "";
    const place = at(offsetOf(key) ?? 0);
    const flag = byName.get(name);
    if (flag === undefined || isConfigItself(flag)) {
      errors.push(`${place}: ${wrongName(name, flag, [...byName.keys()])}`);
      continue;
    }
    for (const found of valuesOf(value, flag, document)) {
      const origin = at(found.offset ?? offsetOf(key) ?? 0);
      if (found.fault === undefined) raw.push({ flag, value: found.text, origin });
      else errors.push(`${origin}: ${flag.name}: ${found.fault}`);
    }
  }
  return { raw, errors };
}

/** Names are no secrets, but a line that is no name may be one. */
function twice(found: string): string {
  const name = /^["']?([\w-]{1,64})/.exec(found)?.[1] ?? "a name";
  return `${name} is there twice; several values are a list: ${name}: [A, B]`;
}

/** What the parser quotes may be a secret; the place says enough. */
function withoutQuotes(message: string): string {
  return message.replaceAll(/"(?:[^"\\]|\\.)*"?/g, '"…"').replaceAll(/: [*&%!@`].*$/gs, "");
}

function isConfigItself(flag: FlagInfo): boolean {
  return flag.name === "config";
}

function wrongName(name: string, flag: FlagInfo | undefined, known: readonly string[]): string {
  if (flag !== undefined) return "config: a config file cannot name another one";
  const reason = reasonUnsupported(name);
  if (reason !== undefined) return `${name}: not supported: ${reason}`;
  const bare = name.replace(/^-+/, "");
  if (bare !== name && known.includes(bare))
    return `${name}: must be written without dashes: ${bare}`;
  return `unknown name ${JSON.stringify(name)}${suggestion(name, known).replaceAll("--", "")}`;
}

interface Found {
  readonly offset: number | undefined;
  readonly text: string;
  readonly fault?: string;
}

function valuesOf(value: unknown, flag: FlagInfo, document: Document): Found[] {
  if (!yaml().isSeq(value)) return [valueOf(value, flag, document)];
  const repeatable = flag.role === "instance" ? !isSwitch(flag) : flag.spec.kind === "list";
  return repeatable
    ? value.items.map((item) => valueOf(item, flag, document))
    : [fault(value, "must be one value; got a list")];
}

function valueOf(value: unknown, flag: FlagInfo, document: Document): Found {
  const node = yaml().isAlias(value) ? value.resolve(document) : value;
  if (!yaml().isScalar(node))
    return fault(value, "must be one value, or a list of them where a flag may be repeated");
  const offset = offsetOf(value);
  const scalar: unknown = node.value;
  if (scalar === null) return { offset, text: "", fault: "has no value" };
  // As it was written: 1.10 is not 1.1, and 0x10 is for the flag to read.
  const plain = node.type === "PLAIN";
  const text = plain && node.source !== undefined ? node.source : textOf(scalar);
  const takesWord = isSwitch(flag) || (flag.role === "option" && flag.spec.bare !== undefined);
  if (plain && typeof scalar === "boolean" && !takesWord) {
    return {
      offset,
      text,
      fault: `must be ${flag.placeholder}; got ${text}, which needs quotes if it is one`,
    };
  }
  return { offset, text };
}

/** Quoted and block texts are strings; nothing else gets here. */
function textOf(scalar: unknown): string {
  return typeof scalar === "string" ? scalar : JSON.stringify(scalar);
}

function fault(node: unknown, rule: string): Found {
  return { offset: offsetOf(node), text: "", fault: rule };
}

function offsetOf(node: unknown): number | undefined {
  return (node as Partial<Node> | null)?.range?.[0];
}
