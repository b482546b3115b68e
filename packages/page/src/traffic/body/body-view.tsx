/** A decoded body: JSON as a tree, text as text, pictures as pictures, the rest as bytes. Captured markup is text and stays it. */
import type { JSX } from "preact";
import type { Page } from "@mirrorball/server";
import { Found } from "../found.tsx";
import { HexView } from "./hex-view.tsx";
import { ImageView } from "./image-view.tsx";
import { parseExactly } from "./exact-json.ts";
import { JsonTree } from "./json-tree.tsx";

export interface BodyViewProps {
  readonly body: Page.SideBody;
  readonly places: readonly Page.Place[];
  /** Where its bytes are. */
  readonly path: string;
  readonly needle: string;
}

export function BodyView({ body, places, path, needle }: BodyViewProps): JSX.Element | null {
  const { kind, text, isCut, image, length } = body;
  if (length === 0) return null;
  if (image !== null) return <ImageView path={path} type={image} />;
  if (text === null) return <HexView path={path} />;
  const json = kind === "json" && !isCut ? parse(text) : undefined;
  return (
    <>
      {isCut && <p class="warn">the beginning of a long text</p>}
      {json === undefined ? (
        <pre>
          <Found text={text} needle={needle} />
        </pre>
      ) : (
        <JsonTree value={json.value} places={places} needle={needle} />
      )}
    </>
  );
}

function parse(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: parseExactly(text) };
  } catch {
    return undefined;
  }
}
