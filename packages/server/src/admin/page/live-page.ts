/**
 * The page of a run: what it keeps, whom it tells, what it serves. In: batches from the pipeline, counters once a second. Out: routes for the
 * admin server. Without a watcher it costs what is kept; with one, what that one is told.
 */
import type { Message } from "@mirrorball/protocol";
import type { Report } from "../../core/compare/report/report.ts";
import { ExchangeRing } from "../../core/page/exchange-ring.ts";
import { parseFilter } from "../../core/page/filter.ts";
import { History } from "../../core/page/history.ts";
import type { HistoryRow } from "../../core/page/history.ts";
import { SessionIndex } from "../../core/page/session-index.ts";
import type { Counters } from "../../engine/accounting/counters.ts";
import { sendJson, sendText } from "../route.ts";
import type { Route } from "../route.ts";
import { assetRoutes } from "./assets.ts";
import type { HistoryAnswer, HistoryTuple } from "./events.ts";
import { exchangeRoutes } from "./exchange-routes.ts";
import { Feed, WATCHERS_MAX } from "./feed.ts";
import { Figures } from "./figures.ts";
import { reportRoute } from "./report-route.ts";
import type { FigureSource } from "./figures.ts";

const SECOND_MS = 1000;

/** Whose page it is. */
export interface PageSource {
  readonly counters: () => Counters;
  /** The outputs, in the order of the counters. */
  readonly outputs: readonly FigureSource[];
  /** Undefined when nothing compares. */
  readonly report: (() => Promise<Report | undefined>) | undefined;
}

export class LivePage {
  readonly #memoryBytes: number;
  readonly #ring: ExchangeRing;
  #feed: Feed | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `memoryBytes`: for exchanges. */
  constructor(memoryBytes: number) {
    this.#memoryBytes = memoryBytes;
    this.#ring = new ExchangeRing(memoryBytes, Date.now);
  }

  /** Behind the stages, what all outputs are offered. */
  seen(batch: readonly Message[]): void {
    this.#ring.seen(batch);
  }

  /** Begins with the history; gives what is to be served. Throws one sentence when the page was not built. */
  open({ counters, outputs, report }: PageSource): Route[] {
    const nowMs = Date.now();
    const sessions = new SessionIndex(this.#ring);
    const figures = new Figures(outputs, nowMs);
    const history = new History(figures.columns);
    const feed = new Feed(this.#ring, sessions, {
      mode: "live",
      title: "",
      startedAt: nowMs,
      columns: figures.columns,
      outputs: figures.outputs,
      memoryBytes: this.#memoryBytes,
      compares: report !== undefined,
    });
    const routes = [
      ...assetRoutes(),
      eventRoute(feed),
      historyRoute(history),
      ...exchangeRoutes(this.#ring, sessions),
      ...(report === undefined ? [] : [reportRoute(report)]),
    ];
    this.#feed = feed;
    const second = (): void => this.#second(counters(), figures, history, feed);
    this.#timer = setInterval(second, SECOND_MS).unref();
    return routes;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#feed?.close();
  }

  #second(counters: Counters, figures: Figures, history: History, feed: Feed): void {
    const nowMs = Date.now();
    const values = figures.take(counters, this.#ring.requests, nowMs);
    const at = Math.round(nowMs / SECOND_MS);
    history.add(at, values);
    this.#ring.beat();
    if (!feed.isWatched) return;
    const { size, bytes, oneOf } = this.#ring;
    feed.tell({
      at,
      values: values.map(orNull),
      counters,
      kept: { exchanges: size, bytes, oneOf },
    });
  }
}

/** `GET /api/events?filter=…`; `sessions=1` when the numbers of sessions are wanted. */
export function eventRoute(feed: Feed): Route {
  return {
    method: "GET",
    path: "/api/events",
    access: "inside",
    answer: ({ query }, response) => {
      const filter = parseFilter(query.get("filter") ?? "");
      if (typeof filter === "string") return sendText(response, 400, `${filter}\n`);
      if (!feed.hasRoom) {
        return sendText(response, 503, `${WATCHERS_MAX} pages are open already\n`);
      }
      feed.watch(response, filter, query.get("sessions") === "1");
    },
  };
}

function historyRoute(history: History): Route {
  return {
    method: "GET",
    path: "/api/history",
    access: "inside",
    answer: (_, response) => {
      const seconds = history.seconds().map(tupleOf);
      const minutes = history.minutes().map(tupleOf);
      sendJson(response, { seconds, minutes } satisfies HistoryAnswer);
    },
  };
}

function tupleOf({ at, values }: HistoryRow): HistoryTuple {
  return [at, ...values.map(orNull)];
}

/** JSON knows no NaN. Figures are rounded to what a picture shows. */
function orNull(value: number): number | null {
  return Number.isNaN(value) ? null : Math.round(value * 1000) / 1000;
}
