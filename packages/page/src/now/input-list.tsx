/** What came in, by input, and what was lost before it could. */
import type { JSX } from "preact";
import type { Page } from "@mirrorball/server";
import { count } from "../format.ts";

export function InputList({ counters }: { readonly counters: Page.Counters }): JSX.Element {
  return (
    <table class="inputs">
      <thead>
        <tr>
          <th>input</th>
          <th>messages</th>
          <th>limited</th>
          <th>dropped</th>
          <th>connections refused</th>
        </tr>
      </thead>
      <tbody>
        {counters.inputs.map(({ name, emitted, journalled, limited, dropped, refused }) => (
          <tr key={name}>
            <td>{name}</td>
            <td>{count(emitted + journalled)}</td>
            <td>{count(limited)}</td>
            <td class={sum(dropped) > 0 ? "bad" : ""}>{reasons(dropped)}</td>
            <td>{reasons(refused)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function reasons(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts);
  return entries.length === 0
    ? "0"
    : entries.map(([reason, n]) => `${reason} ${count(n)}`).join(", ");
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, n) => total + n, 0);
}
