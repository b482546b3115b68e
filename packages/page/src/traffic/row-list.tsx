/**
 * The list, of which only what is seen is there: rows have one height, so that a place is a multiplication. It follows the newest while it is
 * at the top; scrolled away it holds still, and new rows wait above.
 */
import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { JSX } from "preact";
import { Notice } from "../parts/notice.tsx";
import { filter, openSeq } from "../state/address.ts";
import { connection } from "../state/connection.ts";
import { cursor } from "../state/keys.ts";
import { heldAt, loading, rows, version } from "../state/rows.ts";
import { RowLine } from "./row-line.tsx";

const ROW_PX = 28;
/** Rows beyond the edges, so that a quick hand sees no white. */
const BEYOND = 12;
/** More than are ever there at once. A place keeps its elements while others scroll through it: that is what a jump costs. */
const SLOTS = 512;

export function RowList(): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const top = useSignal(0);
  const height = useSignal(600);
  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const watch = new ResizeObserver(() => (height.value = element.clientHeight));
    watch.observe(element);
    return () => watch.disconnect();
  }, []);
  useSignalEffect(() => {
    const at = cursor.value;
    if (at !== undefined) bringIntoView(box.current, at);
  });
  void version.value;
  const skip = heldAt.value === undefined ? 0 : rows.newerThan(heldAt.value);
  const length = rows.length - skip;
  const first = Math.max(0, Math.floor(top.value / ROW_PX) - BEYOND);
  const last = Math.min(length, Math.ceil((top.value + height.value) / ROW_PX) + BEYOND);
  const shown = [];
  for (let place = first; place < last; place += 1) {
    const row = rows.at(place, skip);
    if (row !== undefined) shown.push(<RowLine key={place % SLOTS} row={row} isOpen={openSeq.value === row.seq} isCursor={cursor.value === row.seq} />); // prettier-ignore
  }
  return (
    <div class="list">
      <div class="row head" aria-hidden="true">
        <span class="at">time</span>
        <span class="method">method</span>
        <span class="status">rec.</span>
        <span class="status">replay</span>
        <span class="diff">differs</span>
        <span class="target">target</span>
        <span class="service">service</span>
        <span class="ms">rec.</span>
        <span class="ms">replay</span>
        <span class="size">size</span>
      </div>
      <div
        class="scroll"
        ref={box}
        tabIndex={0}
        role="list"
        aria-label="exchanges"
        onScroll={(event) => {
          top.value = event.currentTarget.scrollTop;
          if (top.value > ROW_PX && heldAt.value === undefined) heldAt.value = rows.newestSeq;
          if (top.value === 0 && cursor.value === undefined) heldAt.value = undefined;
        }}
      >
        {length === 0 ? (
          <Empty />
        ) : (
          <div class="rows" style={{ height: `${length * ROW_PX}px` }}>
            <div style={{ transform: `translateY(${first * ROW_PX}px)` }}>{shown}</div>
          </div>
        )}
      </div>
    </div>
  );
}

function Empty(): JSX.Element {
  if (connection.value !== "open") return <Notice title="No connection to the server" />;
  if (loading.value === "loading") return <Notice title="Loading" />;
  if (filter.value !== "") {
    return (
      <Notice title="Nothing that is in memory matches">New exchanges appear as they come.</Notice>
    );
  }
  return <Notice title="No traffic yet">Requests appear here as they come.</Notice>;
}

function bringIntoView(box: HTMLDivElement | null, seq: number): void {
  const place = rows.placeOf(seq);
  if (box === null || place === undefined) return;
  const skip = heldAt.peek() === undefined ? 0 : rows.newerThan(heldAt.peek() ?? 0);
  const y = (place - skip) * ROW_PX;
  if (y < box.scrollTop) box.scrollTop = y;
  else if (y + ROW_PX > box.scrollTop + box.clientHeight) {
    box.scrollTop = y + ROW_PX - box.clientHeight;
  }
}
