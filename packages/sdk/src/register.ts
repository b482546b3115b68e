/**
 * `node -r @mirrorball/sdk/register app.js`, or with `--import`: mirrors every HTTP server of the process, without a change of its
 * code. `docs/guides/mounting.md` says when which.
 *
 * Every process that is started with it pays for this file, also those that never serve: so it only waits for the first request, and
 * loads the mirror (`registered.ts`) then, before anything of that request is missed. Whoever looks for the tap of the process,
 * a second copy of this package for one, has it loaded as well.
 *
 * It is built as CommonJS alone, whoever loads it: only `require` brings the mirror at once, in the middle of a request. Code of the
 * application that imports the SDK as a module meets the same tap.
 */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type * as Registered from "./registered.ts";

const TAP = Symbol.for("mirrorball.tap.1");
const START = "http.server.request.start";

let loading = false;

function load(): typeof Registered | undefined {
  if (loading) return undefined;
  loading = true;
  unsubscribe(START, onStart);
  Reflect.deleteProperty(globalThis, TAP);
  return registered();
}

function registered(): typeof Registered {
  return require("./registered.js") as typeof Registered;
}

function onStart(message: unknown): void {
  try {
    load()?.begin(message);
  } catch (error) {
    tell(error);
  }
}

function tell(error: unknown): void {
  console.warn(
    `mirrorball: not mirroring: ${error instanceof Error ? error.message : String(error)}`,
  );
}

// Loaded twice, by two copies, it waits once; where there are mirrors already, it joins them.
if (Object.hasOwn(globalThis, TAP)) {
  try {
    registered().begin();
  } catch (error) {
    tell(error);
  }
} else {
  Object.defineProperty(globalThis, TAP, {
    configurable: true,
    get(): unknown {
      onStart(undefined);
      return Reflect.get(globalThis, TAP);
    },
    set(value: unknown): void {
      Object.defineProperty(globalThis, TAP, { value, configurable: true, writable: true });
    },
  });
  subscribe(START, onStart);
}
