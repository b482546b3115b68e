/** Bytes as hexadecimal and text, a screenful at a time. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { Notice } from "../../parts/notice.tsx";
import { count } from "../../format.ts";
import { hexLines } from "./hex-lines.ts";
import { useBytes } from "../use-bytes.ts";

const BYTES_SHOWN = 2048;

export function HexView({ path }: { readonly path: string }): JSX.Element {
  const shown = useSignal(BYTES_SHOWN);
  const found = useBytes(path);
  if (found === undefined) return <Notice title="Loading" />;
  const rest = found.length - shown.value;
  return (
    <>
      <pre class="hex">{hexLines(found.subarray(0, shown.value)).join("\n")}</pre>
      {rest > 0 && (
        <button type="button" onClick={() => (shown.value *= 4)}>
          {count(rest)} bytes more
        </button>
      )}
    </>
  );
}
