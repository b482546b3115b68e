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
  const { route, baseUrl } = req as { readonly route?: unknown; readonly baseUrl?: unknown };
  if (typeof route !== "object" || route === null) return null;
  const { path } = route as { readonly path?: unknown };
  if (typeof path !== "string") return null;
  return typeof baseUrl === "string" ? baseUrl + path : path;
}
