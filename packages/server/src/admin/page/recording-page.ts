/** The page of recordings: rows that do not flow, and a report that stands. In: messages, a report. Out: routes for the admin server. */
import type { Message } from "@mirrorball/protocol";
import type { Report } from "../../core/compare/report/report.ts";
import { ExchangeRing } from "../../core/page/exchange-ring.ts";
import { SessionIndex } from "../../core/page/session-index.ts";
import type { Route } from "../route.ts";
import { assetRoutes } from "./assets.ts";
import { exchangeRoutes } from "./exchange-routes.ts";
import { Feed } from "./feed.ts";
import { eventRoute } from "./live-page.ts";
import { reportRoute } from "./report-route.ts";

export class RecordingPage {
  readonly routes: readonly Route[];
  readonly #ring: ExchangeRing;
  readonly #feed: Feed;
  /** The message being added; the same array each time. */
  readonly #one: Message[] = [];

  /** Throws one sentence when the page was not built. */
  constructor(title: string, memoryBytes: number, report: Report | undefined) {
    this.#ring = new ExchangeRing(memoryBytes, Date.now, true);
    const sessions = new SessionIndex(this.#ring);
    this.#feed = new Feed(this.#ring, sessions, {
      mode: "recording",
      title,
      startedAt: Date.now(),
      columns: [],
      outputs: [],
      memoryBytes,
      compares: report !== undefined,
    });
    this.routes = [
      ...assetRoutes(),
      eventRoute(this.#feed),
      ...exchangeRoutes(this.#ring, sessions),
      ...(report === undefined ? [] : [reportRoute(() => Promise.resolve(report))]),
    ];
  }

  seen(message: Message): void {
    this.#one[0] = message;
    this.#ring.seen(this.#one);
  }

  /** All has been read. */
  whole(): void {
    this.#feed.renew();
  }

  close(): void {
    this.#feed.close();
  }
}
