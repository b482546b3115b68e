/** The list of exchanges with its filter, and the one that is open beside or over it. */
import type { JSX } from "preact";
import { openSeq } from "../state/address.ts";
import { ExchangePanel } from "./exchange-panel.tsx";
import { FilterBar } from "./filter-bar.tsx";
import { RowList } from "./row-list.tsx";

export function TrafficView(): JSX.Element {
  const open = openSeq.value;
  return (
    <div class={`traffic ${open === undefined ? "" : "split"}`}>
      <FilterBar />
      <RowList />
      {open !== undefined && <ExchangePanel seq={open} />}
    </div>
  );
}
