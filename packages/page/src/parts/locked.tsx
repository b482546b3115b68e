/** Who has not shown the token sees nothing. */
import type { JSX } from "preact";

export function Locked(): JSX.Element {
  return (
    <main class="empty">
      <h1>This page is closed</h1>
      <p>
        The server was started anew, or this browser was never let in. Open the address that
        mirrorball printed; with <code>--page-token-file</code> the file holds the one that works
        now.
      </p>
    </main>
  );
}
