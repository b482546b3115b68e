/** Route templates of an OpenAPI document, JSON or YAML. In: a path. Out: a matcher, or one sentence that says what is wrong. */
import type { RouteTemplates } from "../../core/compare/endpoints.ts";
import { readYaml } from "./yaml-file.ts";

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
  const document = readYaml(file);
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
  const prefixes = prefixesOf(document);
  return {
    match: (method, path) => {
      for (const prefix of prefixes) {
        if (!path.startsWith(prefix)) continue;
        const segments = path.slice(prefix.length).split("/");
        const found = templates.find(
          (each) => each.methods.has(method.toLowerCase()) && fits(each.segments, segments),
        );
        if (found !== undefined) return `${prefix}${found.text}`;
      }
      return undefined;
    },
  };
}

/** Paths of the document's servers, the longest first: `/api/v1` of `https://x.test/api/v1`. Templates stand behind them. */
function prefixesOf(document: unknown): string[] {
  const servers: unknown =
    typeof document === "object" && document !== null ? Reflect.get(document, "servers") : [];
  const found = new Set<string>([""]);
  for (const server of Array.isArray(servers) ? servers : []) {
    const url: unknown =
      typeof server === "object" && server !== null ? Reflect.get(server, "url") : undefined;
    if (typeof url !== "string") continue;
    const path = url.replace(/^[a-z][a-z\d+.-]*:\/\/[^/]*/i, "").replace(/\/$/, "");
    if (path.startsWith("/")) found.add(path);
  }
  return [...found].sort((x, y) => y.length - x.length);
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
