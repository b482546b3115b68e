/** A captured picture. Its bytes come as bytes and are shown as an image of a kind that cannot hold anything that runs. */
import { useMemo } from "preact/hooks";
import type { JSX } from "preact";
import { useBytes } from "../use-bytes.ts";

export interface ImageViewProps {
  readonly path: string;
  readonly type: string;
}

export function ImageView({ path, type }: ImageViewProps): JSX.Element {
  const bytes = useBytes(path);
  const url = useMemo(
    () => (bytes === undefined ? undefined : `data:${type};base64,${base64(bytes)}`),
    [bytes, type],
  );
  if (url === undefined) return <div class="picture" />;
  return <img class="picture" src={url} alt="the body as a picture" />;
}

function base64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
