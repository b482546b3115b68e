/** What the keys do, and what a filter may hold. */
import type { JSX } from "preact";
import { helpShown, keys } from "../state/keys.ts";

const FILTERS: readonly (readonly [string, string])[] = [
  ["method:POST", "by method"],
  ["status:404  status:5xx", "any answer has it"],
  ["route:/orders/*", "route or path"],
  ["service:shop", "who recorded it"],
  ["session:12", "one caller"],
  ["is:different  is:same  is:failed", "how the replay went"],
  ['lamp  "two words"', "text in a head or body"],
  ["-route:/health", "all but these"],
];

export function Help(): JSX.Element {
  const close = (): void => void (helpShown.value = false);
  return (
    <div class="veil" onClick={close}>
      <div
        class="dialog"
        role="dialog"
        aria-label="help"
        onClick={(event) => event.stopPropagation()}
      >
        <h2>Keys</h2>
        <dl>
          {keys.map(({ key, does }) => (
            <div key={key}>
              <dt>
                <kbd>{key}</kbd>
              </dt>
              <dd>{does}</dd>
            </div>
          ))}
        </dl>
        <h2>Filters</h2>
        <dl>
          {FILTERS.map(([words, does]) => (
            <div key={words}>
              <dt>
                <code>{words}</code>
              </dt>
              <dd>{does}</dd>
            </div>
          ))}
        </dl>
        <button type="button" onClick={close}>
          Close
        </button>
      </div>
    </div>
  );
}
