/** YAML and JSON that people write. In: a path. Out: what is in it, or one sentence that names the file and what is wrong. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type * as Yaml from "yaml";

/** Loaded with the first file: declarations ask here for names alone. */
function yaml(): typeof Yaml {
  return createRequire(import.meta.url)("yaml") as typeof Yaml;
}

export function readYaml(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new Error(`cannot read ${file}: ${firstLine(error)}`, { cause: error });
  }
  try {
    return yaml().parse(text, { logLevel: "error" });
  } catch (error) {
    throw new Error(`${file}: no YAML: ${firstLine(error)}`, { cause: error });
  }
}

export function yamlText(value: unknown): string {
  return yaml().stringify(value);
}

/** The parser adds the lines of the text, with marks under them. */
function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return (message.split("\n", 1)[0] ?? "").replace(/:$/, "");
}
