/** The keyboard: what each key does, in one list that the help shows, too. */
import { signal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import { go, openSeq, view } from "./address.ts";
import type { View } from "./address.ts";
import { hello } from "./connection.ts";
import { heldAt, rows } from "./rows.ts";
import { nextTheme } from "./theme.ts";

export const helpShown: Signal<boolean> = signal(false);
/** The row under the keyboard. */
export const cursor: Signal<number | undefined> = signal(undefined);

interface Key {
  readonly key: string;
  readonly does: string;
  readonly act: () => void;
}

const goTo = (next: View) => (): void => go({ view: next, open: undefined });

export const keys: readonly Key[] = [
  { key: "/", does: "filter the traffic", act: focusFilter },
  { key: "j", does: "next row", act: () => move(1) },
  { key: "k", does: "row before", act: () => move(-1) },
  { key: "Enter", does: "open the row", act: openCursor },
  { key: "Esc", does: "close, or follow the newest again", act: escape },
  { key: "n", does: "Now", act: goTo("now") },
  { key: "t", does: "Traffic", act: goTo("traffic") },
  { key: "d", does: "Differences", act: goTo("differences") },
  { key: "c", does: "colours: dark, light or as the system", act: nextTheme },
  { key: "?", does: "this help", act: () => (helpShown.value = !helpShown.value) },
];

export function listenForKeys(): void {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const name = event.key === "Escape" ? "Esc" : event.key;
    const target = event.target instanceof HTMLElement ? event.target : undefined;
    const isTyping = target?.matches("input, textarea, select") ?? false;
    if (isTyping && name !== "Esc") return;
    // A button or link that has the focus does its own.
    if (name === "Enter" && (target?.matches("button, a, summary") ?? false)) return;
    const found = keys.find(({ key }) => key === name);
    if (found === undefined) return;
    event.preventDefault();
    if (isTyping) target?.blur();
    else found.act();
  });
}

function focusFilter(): void {
  go({ view: "traffic" });
  // The view is there after the next drawing.
  requestAnimationFrame(() => document.querySelector<HTMLInputElement>("#filter")?.focus());
}

function isTraffic(): boolean {
  const isRecording = hello.value?.mode === "recording";
  return view.value === "traffic" || (isRecording && view.value === "now");
}

/** Whoever walks through the list wants it to hold still. */
function move(step: number): void {
  if (!isTraffic() || rows.length === 0) return;
  heldAt.value ??= rows.newestSeq;
  const skip = rows.newerThan(heldAt.value);
  const at = cursor.value ?? openSeq.value;
  const place = at === undefined ? undefined : rows.placeOf(at);
  const next = place === undefined ? skip : Math.max(skip, Math.min(rows.length - 1, place + step));
  cursor.value = rows.at(next)?.seq;
  if (openSeq.value !== undefined && cursor.value !== undefined) {
    go({ open: cursor.value }, false);
  }
}

function openCursor(): void {
  if (isTraffic() && cursor.value !== undefined) go({ open: cursor.value });
}

function escape(): void {
  if (helpShown.value) helpShown.value = false;
  else if (openSeq.value !== undefined) go({ open: undefined });
  else {
    cursor.value = undefined;
    heldAt.value = undefined;
  }
}
