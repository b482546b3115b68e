/** Name, views, state of the connection, theme. */
import type { JSX } from "preact";
import { formatPlace, go, place } from "../state/address.ts";
import type { View } from "../state/address.ts";
import { connection, hello, now } from "../state/connection.ts";
import { helpShown } from "../state/keys.ts";
import { nextTheme, theme } from "../state/theme.ts";
import { rate } from "../format.ts";

const VIEWS: readonly (readonly [View, string])[] = [
  ["now", "Now"],
  ["traffic", "Traffic"],
  ["differences", "Differences"],
];

const STATES: Readonly<Record<typeof connection.value, string>> = {
  connecting: "connecting",
  open: "live",
  lost: "connection lost, trying again",
  locked: "locked",
  full: "too many pages are open, trying again",
  badFilter: "the filter is not right",
};

export function TopBar({ shown }: { readonly shown: View }): JSX.Element {
  const state = connection.value;
  const isLive = hello.value?.mode !== "recording";
  const columns = hello.value?.columns ?? [];
  const requests = now.value?.values[columns.findIndex(({ name }) => name === "requests")];
  return (
    <header class="top">
      <span class="brand">mirrorball</span>
      <nav aria-label="views">
        {VIEWS.filter(([name]) => isLive || name !== "now").map(([name, label]) => (
          <a
            key={name}
            href={formatPlace({ ...place.value, view: name, open: undefined })}
            aria-current={shown === name ? "page" : undefined}
            onClick={(event) => {
              event.preventDefault();
              go({ view: name, open: undefined });
            }}
          >
            {label}
          </a>
        ))}
      </nav>
      <span class="grow" />
      <span class={`state ${state}`} role="status">
        <i aria-hidden="true" />
        {state === "open" && !isLive ? `recording: ${hello.value?.title ?? ""}` : STATES[state]}
        {state === "open" && requests !== undefined && (
          <span class="soft"> {rate(requests)} requests/s</span>
        )}
      </span>
      <button type="button" onClick={nextTheme} aria-label={`theme: ${theme.value}`}>
        {theme.value === "dark" ? "☾" : theme.value === "light" ? "☀" : "◐"}
      </button>
      <button type="button" onClick={() => (helpShown.value = true)} aria-label="keys">
        ?
      </button>
    </header>
  );
}
