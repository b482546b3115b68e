/** One exchange, whole: request, recorded answer and replayed answer beside each other. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { JSX } from "preact";
import type { Page } from "@mirrorball/server";
import { Notice } from "../parts/notice.tsx";
import { go } from "../state/address.ts";
import { ask } from "../state/ask.ts";
import { version } from "../state/rows.ts";
import { shortName } from "../format.ts";
import { copyText } from "./copy-text.ts";
import { curlOf } from "./curl.ts";
import { PlaceList } from "./place-list.tsx";
import { SideColumn } from "./side-column.tsx";

/** Milliseconds after which an exchange whose answer is missing is asked for again. */
const AGAIN_MS = 700;

export function ExchangePanel({ seq }: { readonly seq: number }): JSX.Element {
  const detail = useSignal<Page.Detail | "loading" | "gone">("loading");
  const needle = useSignal("");
  const target = useSignal(0);
  useEffect(() => {
    let isOver = false;
    let again: ReturnType<typeof setTimeout> | undefined;
    const load = async (): Promise<void> => {
      const found = await ask<Page.Detail>(`/api/exchange/${seq}`).catch(() => "gone" as const);
      if (isOver) return;
      detail.value = found;
      const isPartial = found !== "gone" && found.replayed.length === 0 && version.peek() > 0;
      if (isPartial) again = setTimeout(() => void load(), AGAIN_MS);
    };
    void load();
    return () => {
      isOver = true;
      clearTimeout(again);
    };
  }, [seq]);
  const found = detail.value;
  if (typeof found === "string") {
    return (
      <aside class="panel">
        <Notice title={found === "gone" ? "This exchange is no longer in memory" : "Loading"} />
      </aside>
    );
  }
  const replayed = found.replayed[target.value] ?? found.replayed[0];
  return (
    <aside class="panel" aria-label="exchange">
      <PanelBar detail={found} needle={needle} target={target} />
      {replayed !== undefined && <PlaceList places={replayed.places} />}
      <div class="sides">
        <SideColumn
          title="request"
          side={found.request}
          seq={seq}
          name="request"
          needle={needle.value}
        />
        {found.original === null ? (
          <section class="side">
            <Notice title="No recorded answer" />
          </section>
        ) : (
          <SideColumn
            title="recorded answer"
            side={found.original}
            seq={seq}
            name="original"
            places={replayed?.places}
            needle={needle.value}
          />
        )}
        {replayed === undefined ? (
          <section class="side">
            <Notice title="Not replayed, or its answer is not kept">
              Answers are kept with <code>--output-http-track-response</code>.
            </Notice>
          </section>
        ) : (
          <SideColumn
            title={`replayed: ${shortName(replayed.target)}`}
            side={replayed.side}
            seq={seq}
            name="replayed"
            target={replayed.target}
            places={replayed.places}
            needle={needle.value}
          />
        )}
      </div>
    </aside>
  );
}

/** The server finds out who belongs together when somebody asks. */
async function goToSession(seq: number): Promise<void> {
  const found = await ask<Page.SessionAnswer>(`/api/session/${seq}`).catch(() => undefined);
  if (typeof found?.session === "number")
    go({ filter: `session:${found.session}`, open: undefined });
}

interface PanelBarProps {
  readonly detail: Page.Detail;
  readonly needle: { value: string };
  readonly target: { value: number };
}

function PanelBar({ detail, needle, target }: PanelBarProps): JSX.Element {
  const { row, replayed, request, peer } = detail;
  return (
    <div class="panel-bar">
      <strong class="target">
        {row.method} {row.target}
      </strong>
      <span class="soft">
        {row.route !== null && <>route {row.route} · </>}
        {row.service !== null && <>{row.service} · </>}
        {peer !== null && <>from {peer} · </>}
        {row.id}
      </span>
      <span class="grow" />
      {replayed.length > 1 && (
        <select
          aria-label="target"
          value={target.value}
          onChange={(event) => (target.value = Number(event.currentTarget.value))}
        >
          {replayed.map((each, i) => (
            <option key={each.target} value={i}>
              {shortName(each.target)}
            </option>
          ))}
        </select>
      )}
      <input
        type="search"
        class="needle"
        placeholder="find in heads and bodies"
        aria-label="find in this exchange"
        value={needle.value}
        onInput={(event) => (needle.value = event.currentTarget.value)}
      />
      <button
        type="button"
        title="all exchanges of this caller"
        onClick={() => void goToSession(row.seq)}
      >
        Session
      </button>
      <button type="button" onClick={() => void copyText(curlOf(request))}>
        Copy as curl
      </button>
      <a class="button" href={`/api/download/${row.seq}?as=gor`} download>
        .gor
      </a>
      <a class="button" href={`/api/download/${row.seq}?as=har`} download>
        HAR
      </a>
      <button type="button" aria-label="close" onClick={() => go({ open: undefined })}>
        ✕
      </button>
    </div>
  );
}
