/** One figure, large. It keeps its place and width whatever it says. */
import type { JSX } from "preact";

export interface TileProps {
  readonly label: string;
  readonly value: string;
  readonly unit?: string;
  readonly note?: string;
  readonly tone?: "good" | "warn" | "bad";
}

export function Tile({ label, value, unit, note, tone }: TileProps): JSX.Element {
  return (
    <div class="tile">
      <span class="label">{label}</span>
      <span class={`figure ${tone ?? ""}`}>
        {value}
        {unit !== undefined && <small>{unit}</small>}
      </span>
      <span class="note">{note ?? "\u00a0"}</span>
    </div>
  );
}
