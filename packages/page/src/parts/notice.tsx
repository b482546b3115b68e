/** Instead of a view that has nothing to show: why, and what to do. */
import type { ComponentChildren, JSX } from "preact";

export function Notice({
  title,
  children,
}: {
  readonly title: string;
  readonly children?: ComponentChildren;
}): JSX.Element {
  return (
    <div class="notice">
      <strong>{title}</strong>
      {children}
    </div>
  );
}
