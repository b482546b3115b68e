/** Dark or light: as the system says, until the reader says otherwise. */
import { signal } from "@preact/signals";
import type { Signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";

const KEY = "mirrorball-theme";
const THEMES: readonly Theme[] = ["system", "light", "dark"];

export const theme: Signal<Theme> = signal("system");

export function applyTheme(): void {
  const kept = localStorage.getItem(KEY);
  set(THEMES.find((each) => each === kept) ?? "system");
}

export function nextTheme(): void {
  const next = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? "system";
  localStorage.setItem(KEY, next);
  set(next);
}

function set(next: Theme): void {
  theme.value = next;
  if (next === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = next;
}
