/**
 * The mirror behind `register.ts`, with options from `MIRRORBALL_*` variables. A fault in them is told in one line and the application
 * runs unmirrored: a typo in an environment must not take a service down.
 */
import { MirrorCore } from "./mirror.ts";

/** `message` is what Node published of the request that is beginning, if one is. Throws when the options are faulty. */
export function begin(message?: unknown): void {
  const core = new MirrorCore({}, { waits: false });
  core.attachAll();
  if (message !== undefined) core.saw(message);
}
