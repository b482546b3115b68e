/** One message: start line, fields, body. Fields and values that differ are marked. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { Page } from "@mirrorball/server";
import { bytes, clock, millis } from "../format.ts";
import { BodyView } from "./body/body-view.tsx";
import { Found } from "./found.tsx";
import { HexView } from "./body/hex-view.tsx";

export interface SideColumnProps {
  readonly title: string;
  readonly side: Page.Side;
  readonly seq: number;
  readonly name: Page.SideName;
  readonly target?: string;
  readonly places?: readonly Page.Place[] | undefined;
  readonly needle: string;
}

export function SideColumn(props: SideColumnProps): JSX.Element {
  const { title, side, seq, name, target = "", places = [], needle } = props;
  const isRaw = useSignal(false);
  const changed = new Set(
    places.filter(({ part, noise }) => part === "header" && noise === null).map(({ path }) => path),
  );
  const path = `/api/bytes/${seq}?side=${name}&target=${encodeURIComponent(target)}`;
  return (
    <section class="side" aria-label={title}>
      <h3>
        {title} <span class="soft">{clock(side.at)}</span>
        {side.ms !== null && <span class="soft"> {millis(side.ms)}</span>}
      </h3>
      {side.notes.map((note) => (
        <p key={note} class="warn">
          {note}
        </p>
      ))}
      <p class="start">
        <Found text={side.start} needle={needle} />
      </p>
      <dl class="fields">
        {side.fields.map(([field, value], i) => (
          <div key={i} class={changed.has(field.toLowerCase()) ? "changed" : ""}>
            <dt>{field}</dt>
            <dd>
              <Found text={value} needle={needle} />
            </dd>
          </div>
        ))}
      </dl>
      <div class="body-bar">
        <span class="soft">
          {side.body.kind}, {bytes(side.body.length)}
        </span>
        <button
          type="button"
          aria-pressed={isRaw.value}
          onClick={() => (isRaw.value = !isRaw.value)}
        >
          raw bytes
        </button>
      </div>
      {isRaw.value ? (
        <HexView path={`${path}&of=message`} />
      ) : (
        <BodyView body={side.body} places={places} path={path} needle={needle} />
      )}
    </section>
  );
}
