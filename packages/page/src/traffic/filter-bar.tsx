/** The filter, the same text as in the address, and what it left over. */
import type { JSX } from "preact";
import { filter, go } from "../state/address.ts";
import { connection, filterFault, now } from "../state/connection.ts";
import { heldAt, loading, rows, skipped, version } from "../state/rows.ts";
import { count } from "../format.ts";

export function FilterBar(): JSX.Element {
  return (
    <form
      class="filter"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        const input = event.currentTarget.querySelector("input");
        go({ filter: input?.value.trim() ?? "" });
        input?.blur();
      }}
    >
      <input
        id="filter"
        key={filter.value}
        type="search"
        defaultValue={filter.value}
        placeholder="filter: method:POST status:5xx is:different text …"
        aria-label="filter"
        aria-invalid={connection.value === "badFilter"}
        spellcheck={false}
        autocomplete="off"
        onInput={(event) => {
          // The cross that empties the field is no key.
          if (event.currentTarget.value === "" && filter.value !== "") go({ filter: "" });
        }}
      />
      <Count />
      <Hold />
    </form>
  );
}

function Count(): JSX.Element {
  void version.value;
  if (connection.value === "badFilter") {
    return (
      <span class="bad" role="alert">
        {filterFault.value}
      </span>
    );
  }
  const oneOf = now.value?.kept.oneOf ?? 1;
  return (
    <span class="soft" role="status">
      {count(rows.length)} {loading.value === "loading" ? "so far" : "shown"}
      {skipped.value > 0 && ", some passed over"}
      {oneOf > 1 && `, 1 of ${oneOf} kept`}
    </span>
  );
}

/** The list follows the newest, or holds still. */
function Hold(): JSX.Element {
  void version.value;
  const held = heldAt.value;
  const waiting = held === undefined ? 0 : rows.newerThan(held);
  return (
    <button
      type="button"
      aria-pressed={held !== undefined}
      onClick={() => (heldAt.value = held === undefined ? rows.newestSeq : undefined)}
    >
      {held === undefined ? "❚❚ hold" : `▲ follow${waiting > 0 ? ` (${count(waiting)} new)` : ""}`}
    </button>
  );
}
