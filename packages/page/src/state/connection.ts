/**
 * The one stream of events of this tab. In: the server's events. Out: what is known of the server, and rows for `rows.ts`. It connects again by
 * itself, and says so; what came in between is asked for.
 */
import { effect, signal, untracked } from "@preact/signals";
import type { Signal } from "@preact/signals";
import type { Page } from "@mirrorball/server";
import { filter } from "./address.ts";
import { Refused, ask } from "./ask.ts";
import { addSecond, loadHistory } from "./history.ts";
import { resetRows, takeRows } from "./rows.ts";

/** `full`: as many pages are open as the server serves. */
export type Connection = "connecting" | "open" | "lost" | "locked" | "full" | "badFilter";

const RETRY_MS = 2000;

export const connection: Signal<Connection> = signal("connecting");
export const hello: Signal<Page.Hello | undefined> = signal(undefined);
export const now: Signal<Page.Now | undefined> = signal(undefined);
/** What is wrong with the filter, in the server's words. */
export const filterFault: Signal<string> = signal("");

let source: EventSource | undefined;
let retry: ReturnType<typeof setTimeout> | undefined;

/** Opens the stream, and anew whenever the filter changes. */
export function connect(): void {
  effect(() => {
    const text = filter.value;
    untracked(() => open(text));
  });
}

function open(text: string): void {
  clearTimeout(retry);
  source?.close();
  filterFault.value = "";
  const stream = new EventSource(`/api/events?filter=${encodeURIComponent(text)}`);
  source = stream;
  on(stream, "hello", (data) => {
    connection.value = "open";
    hello.value = data;
    if (data.mode === "live") void loadHistory();
    resetRows(text);
  });
  on(stream, "now", (data) => {
    now.value = data;
    addSecond(data);
  });
  on(stream, "rows", (data) => takeRows(data, text));
  stream.addEventListener("error", () => {
    if (source !== stream) return;
    stream.close();
    void explain(text);
    retry = setTimeout(() => open(text), RETRY_MS);
  });
}

/** A browser does not tell why a stream failed: the same is asked in the usual way. */
async function explain(text: string): Promise<void> {
  try {
    await ask(`/api/rows?before=0&filter=${encodeURIComponent(text)}`);
    connection.value = connection.value === "open" ? "lost" : "full";
  } catch (error) {
    const fault = error instanceof Refused ? error.fault : "lost";
    if (typeof fault === "object") {
      clearTimeout(retry);
      filterFault.value = fault.why;
      connection.value = "badFilter";
    } else connection.value = fault === "locked" ? "locked" : "lost";
  }
}

function on<K extends keyof Page.PageEvents>(
  stream: EventSource,
  name: K,
  act: (data: Page.PageEvents[K]) => void,
): void {
  stream.addEventListener(name, ({ data }: MessageEvent<string>) => {
    act(JSON.parse(data) as Page.PageEvents[K]);
  });
}
