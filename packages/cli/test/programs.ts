// Programs of the machine that some tests need beside Node. A clone with Node and npm alone passes, and says what it skipped; CI
// has all of them, and must not skip.
import { accessSync, constants, existsSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";

/** Whether all of them can be started here; in CI a missing one is a failure, hence always true. */
export function have(...names: string[]): boolean {
  return process.env["CI"] !== undefined || names.every((name) => isOnPath(name));
}

function isOnPath(name: string): boolean {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return folders.some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Whether the optional package that reads from libpcap was built. */
export function hasPcap(): boolean {
  try {
    const binding = createRequire(import.meta.url).resolve("pcap/build/Release/pcap_binding.node");
    return existsSync(binding);
  } catch {
    return false;
  }
}
