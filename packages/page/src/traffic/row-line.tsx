/** One exchange in the list. */
import type { JSX } from "preact";
import type { Page } from "@mirrorball/server";
import { go } from "../state/address.ts";
import { cursor } from "../state/keys.ts";
import { bytes, clock, millis, statusClass } from "../format.ts";

export interface RowLineProps {
  readonly row: Page.Row;
  readonly isOpen: boolean;
  readonly isCursor: boolean;
}

export function RowLine({ row, isOpen, isCursor }: RowLineProps): JSX.Element {
  const [answer] = row.replayed;
  const differs = row.differs ?? 0;
  return (
    <div
      class={`row ${isOpen ? "open" : ""} ${isCursor ? "cursor" : ""}`}
      role="listitem"
      data-seq={row.seq}
      onClick={() => {
        cursor.value = row.seq;
        go({ open: row.seq });
      }}
    >
      <span class="at">{clock(row.at)}</span>
      <span class="method">{row.method}</span>
      <span class={`status ${statusClass(row.status)}`}>{row.status ?? ""}</span>
      <span class={`status ${statusClass(answer?.status ?? null)}`}>
        {answer === undefined ? "" : answer.failure === null ? answer.status : "✕"}
      </span>
      <span class={`diff ${differs > 0 ? "bad" : "soft"}`}>
        {row.differs === null ? "" : differs === 0 ? "=" : `≠ ${differs}`}
      </span>
      <span class="target" title={row.target}>
        {row.target}
      </span>
      <span class="service">{row.service ?? ""}</span>
      <span class="ms">{row.ms === null ? "" : millis(row.ms)}</span>
      <span class="ms">{answer?.ms === null || answer === undefined ? "" : millis(answer.ms)}</span>
      <span class="size">{bytes(row.bytes)}</span>
    </div>
  );
}
