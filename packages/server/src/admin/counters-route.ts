/** The counters as JSON at gor's path. Read only; figures and reasons, never traffic, so that no token is asked for where they are served alone. */
import { sendJson } from "./route.ts";
import type { Route } from "./route.ts";

export const COUNTERS_PATH = "/debug/vars";

export function countersRoute(access: Route["access"], read: () => unknown): Route {
  return {
    method: "GET",
    path: COUNTERS_PATH,
    access,
    answer: (_, response) => sendJson(response, read()),
  };
}
