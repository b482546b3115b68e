/**
 * Where the reader is: view, filter and open exchange, all in the part of the address behind `#`, so that it can be kept, shared and gone back
 * to. The only place that reads or writes it.
 */
import { computed, signal } from "@preact/signals";
import type { ReadonlySignal } from "@preact/signals";

export type View = "now" | "traffic" | "differences";

export interface Place {
  readonly view: View;
  readonly filter: string;
  /** The number of the exchange that is open. */
  readonly open: number | undefined;
}

const VIEWS: readonly View[] = ["now", "traffic", "differences"];

export function parsePlace(hash: string): Place {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const parameters = new URLSearchParams(query);
  const open = Number(parameters.get("open") ?? Number.NaN);
  return {
    view: VIEWS.find((view) => view === path) ?? "now",
    filter: parameters.get("filter") ?? "",
    open: Number.isSafeInteger(open) && open > 0 ? open : undefined,
  };
}

export function formatPlace({ view, filter, open }: Place): string {
  const parameters = new URLSearchParams();
  if (filter !== "") parameters.set("filter", filter);
  if (open !== undefined) parameters.set("open", String(open));
  const query = parameters.toString();
  return `#/${view}${query === "" ? "" : `?${query}`}`;
}

const here = signal<Place>(parsePlace(typeof location === "undefined" ? "" : location.hash));

export const place: ReadonlySignal<Place> = here;
export const view: ReadonlySignal<View> = computed(() => here.value.view);
export const filter: ReadonlySignal<string> = computed(() => here.value.filter);
export const openSeq: ReadonlySignal<number | undefined> = computed(() => here.value.open);

/** `isStep`: the reader can come back from it with the browser's own button. */
export function go(change: Partial<Place>, isStep = true): void {
  const next = { ...here.value, ...change };
  const hash = formatPlace(next);
  if (hash === formatPlace(here.value)) return;
  if (isStep) history.pushState(null, "", hash);
  else history.replaceState(null, "", hash);
  here.value = next;
}

if (typeof addEventListener === "function") {
  addEventListener("popstate", () => (here.value = parsePlace(location.hash)));
  addEventListener("hashchange", () => (here.value = parsePlace(location.hash)));
}
