/** Where the replayed answer differs, in a few lines: what matters first, noise folded away with its reason. */
import type { JSX } from "preact";
import type { Page } from "@mirrorball/server";

export function PlaceList({
  places,
}: {
  readonly places: readonly Page.Place[];
}): JSX.Element | null {
  if (places.length === 0) return null;
  const real = places.filter(({ noise }) => noise === null);
  const noise = places.filter((place) => place.noise !== null);
  return (
    <div class="places">
      {real.length > 0 && (
        <table>
          <tbody>
            {real.map((place) => (
              <PlaceRow
                key={`${place.part} ${place.path} ${place.where} ${place.kind}`}
                place={place}
              />
            ))}
          </tbody>
        </table>
      )}
      {noise.length > 0 && (
        <details>
          <summary>{noise.length} that most likely mean nothing</summary>
          <table>
            <tbody>
              {noise.map((place) => (
                <PlaceRow key={`${place.part} ${place.path} ${place.where}`} place={place} />
              ))}
            </tbody>
          </table>
        </details>
      )}
    </div>
  );
}

function PlaceRow({ place }: { readonly place: Page.Place }): JSX.Element {
  const { part, path, where, kind, original, replayed, noise } = place;
  return (
    <tr class={noise === null ? "" : "soft"}>
      <th scope="row">
        {part} <code>{where === "" ? path : where}</code>
      </th>
      <td>{noise ?? kind}</td>
      <td class="old">
        <code>{original}</code>
      </td>
      <td class="new">
        <code>{replayed}</code>
      </td>
    </tr>
  );
}
