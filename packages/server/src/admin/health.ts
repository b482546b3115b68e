/**
 * Whether a run is alive, and whether it is ready: for supervisors and load balancers. In: its condition when asked. Out: routes that say it in lines for
 * people, and by their status.
 *
 * Ready is who can keep what it is given. That a target cannot be reached is said, and makes nobody unready: messages wait in the queue or the journal, and a
 * server that is taken out of service for it would move the loss to the producers.
 */
import { sendText } from "./route.ts";
import type { Route } from "./route.ts";

export interface Condition {
  /** `running`: every part has started, so that all inputs listen. */
  readonly phase: "starting" | "running" | "stopping";
  /** Undefined without a journal. */
  readonly journal: "ok" | "full" | "degraded" | undefined;
  /** `trouble`: why nothing can be delivered now; undefined when nothing is known to hinder it. */
  readonly outputs: readonly { readonly name: string; readonly trouble: string | undefined }[];
}

export const ALIVE_PATH = "/healthz";
export const READY_PATH = "/readyz";

const PHASES: Readonly<Record<Condition["phase"], string>> = {
  starting: "starting: not everything listens yet",
  running: "running",
  stopping: "stopping: delivers what was accepted, takes nothing",
};
const JOURNALS: Readonly<Record<"ok" | "full" | "degraded", string>> = {
  ok: "ok",
  full: "at its limit: nothing is acknowledged until outputs have moved on",
  degraded: "degraded: the disk takes nothing, and nothing is acknowledged",
};

export function healthRoutes(condition: () => Condition): Route[] {
  return [
    {
      method: "GET",
      path: ALIVE_PATH,
      access: "open",
      answer: (_, response) => sendText(response, 200, "alive\n"),
    },
    {
      method: "GET",
      path: READY_PATH,
      access: "open",
      answer: (_, response) => {
        const { isReady, text } = readiness(condition());
        sendText(response, isReady ? 200 : 503, text);
      },
    },
  ];
}

export function readiness({ phase, journal, outputs }: Condition): {
  readonly isReady: boolean;
  readonly text: string;
} {
  const isReady = phase === "running" && journal !== "degraded";
  const lines = [
    isReady ? "ready" : "not ready",
    PHASES[phase],
    ...(journal === undefined ? [] : [`journal: ${JOURNALS[journal]}`]),
    ...outputs.map(({ name, trouble }) => `${name}: ${trouble ?? "ok"}`),
  ];
  return { isReady, text: `${lines.join("\n")}\n` };
}
