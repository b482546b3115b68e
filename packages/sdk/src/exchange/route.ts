/**
 * The route pattern that a framework matched, such as `/users/:id`, read where frameworks leave it when the response is
 * out. Reads public properties only, and takes anything odd for "unknown".
 */
import type { Exchange } from "./exchange.ts";

export function routeOf({ req, context }: Exchange): string | null {
  if (typeof context === "object" && context !== null) {
    // Koa's routers leave the pattern on the context.
    const { _matchedRoute: matched } = context as { readonly _matchedRoute?: unknown };
    return typeof matched === "string" ? matched : null;
  }
  const route = peek(req, "route");
  if (typeof route !== "object" || route === null) return null;
  const { path } = route as { readonly path?: unknown };
  if (typeof path !== "string") return null;
  const baseUrl = peek(req, "baseUrl");
  return typeof baseUrl === "string" ? baseUrl + path : path;
}

/**
 * One place for several names on purpose: V8 then looks properties up in its generic way, which is a fifth of what a place of
 * one name costs on the ever new shapes of Express's requests (`exchange.ts`).
 */
function peek(object: object, name: "route" | "baseUrl"): unknown {
  return (object as Readonly<Record<string, unknown>>)[name];
}
