/** The metrics at `/metrics`, made when asked. In: who makes families. Out: a route that writes them in the format that the client prefers. */
import { formatFor } from "../../core/metrics/accept.ts";
import { CONTENT_TYPES, exposition } from "../../core/metrics/exposition.ts";
import type { Family } from "../../core/metrics/exposition.ts";
import type { Route } from "../route.ts";

export const METRICS_PATH = "/metrics";

export function metricsRoute(access: Route["access"], families: () => readonly Family[]): Route {
  return {
    method: "GET",
    path: METRICS_PATH,
    access,
    answer: ({ message }, response) => {
      const format = formatFor(message.headers.accept);
      response
        .writeHead(200, { "content-type": CONTENT_TYPES[format], vary: "accept" })
        .end(exposition(families(), format));
    },
  };
}
