/** Route templates of an OpenAPI document, JSON or YAML. In: a path. Out: a matcher, or one sentence that says what is wrong. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import type { RouteTemplates } from "../core/compare/endpoints.ts";

const METHODS: ReadonlySet<string> = new Set([
  "get",
  "put",
  "post",
  "delete",
  "options",
  "head",
  "patch",
  "trace",
]);

interface Template {
  readonly segments: readonly string[];
  readonly methods: ReadonlySet<string>;
  readonly text: string;
}

export function readTemplates(file: string): RouteTemplates {
  const document: unknown = parse(readFileSync(file, "utf8"));
  const paths: unknown =
    typeof document === "object" && document !== null ? Reflect.get(document, "paths") : undefined;
  if (typeof paths !== "object" || paths === null)
    throw new Error(`${file}: must be an OpenAPI document with paths`);
  const templates = Object.entries(paths).map(([text, item]): Template => {
    const methods = Object.keys(typeof item === "object" && item !== null ? item : {});
    return {
      text,
      segments: text.split("/"),
      methods: new Set(methods.filter((name) => METHODS.has(name))),
    };
  });
  // Fixed words win over parameters, as the specification says.
  templates.sort((x, y) => parameters(x) - parameters(y));
  return {
    match: (method, path) => {
      const segments = path.split("/");
      return templates.find(
        (each) => each.methods.has(method.toLowerCase()) && fits(each.segments, segments),
      )?.text;
    },
  };
}

function parameters({ segments }: Template): number {
  return segments.filter((segment) => segment.startsWith("{")).length;
}

function fits(template: readonly string[], segments: readonly string[]): boolean {
  return (
    template.length === segments.length &&
    template.every(
      (part, i) => (part.startsWith("{") && part.endsWith("}")) || part === segments[i],
    )
  );
}
