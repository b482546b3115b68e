/**
 * `node -r @mirrorball/sdk/register app.js`, or with `--import`: mirrors every HTTP server of the process, without a change of its
 * code. `docs/guides/mounting.md` says when which.
 * Options come from `MIRRORBALL_*` variables. A fault in them is told in one line and the application runs unmirrored:
 * a typo in an environment must not take a service down.
 */
import { MirrorCore } from "./mirror.ts";

try {
  new MirrorCore({}, { waits: false }).attachAll();
} catch (error) {
  console.warn(
    `mirrorball: not mirroring: ${error instanceof Error ? error.message : String(error)}`,
  );
}
