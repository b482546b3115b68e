/**
 * The inside of a plugin's worker: loads the module, says so, then runs what the port brings. In: `workerData` and
 * parcels. Out: parcels. A module that cannot be loaded is reported in words; everything else that is thrown here ends
 * the worker, which the other side sees.
 */
import { parentPort, workerData } from "node:worker_threads";
import { PluginRunner } from "../../core/middleware/plugin-runner.ts";
import type { Handlers } from "../../core/middleware/plugin-runner.ts";
import type { HostData, HostMessage, ServerMessage } from "./plugin-port.ts";

const port = parentPort;
if (port === null) throw new Error("this file is the inside of a worker");
// The other side made it.
const { url, onError } = workerData as HostData;
const post = (message: HostMessage, transfer: ArrayBuffer[] = []): void => {
  port.postMessage(message, transfer);
};

try {
  const runner = new PluginRunner(handlersOf(await import(url)), onError, (parcel) =>
    post(parcel, [parcel.outcomes.buffer, parcel.bytes.buffer]),
  );
  port.on("message", (message: ServerMessage) => {
    if (message.type === "batch") runner.run(message);
    else void runner.idle().then(() => port.close());
  });
  post({ type: "loaded" });
} catch (error) {
  post({ type: "refused", reason: error instanceof Error ? error.message : String(error) });
}

/** From `export const plugin` or `export default`; every handler keeps its object. */
function handlersOf(module: unknown): Handlers {
  const plugin = pluginIn(module, "plugin") ?? pluginIn(module, "default");
  if (plugin === undefined) {
    throw new Error("it must export its handlers as `plugin` or as default: see definePlugin");
  }
  const bound: Record<string, unknown> = {};
  for (const name of ["onRequest", "onResponse", "onReplay"]) {
    const handler: unknown = Reflect.get(plugin, name);
    if (handler === undefined) continue;
    if (typeof handler !== "function") throw new Error(`its ${name} must be a function`);
    bound[name] = handler.bind(plugin);
  }
  if (Object.keys(bound).length === 0) {
    throw new Error("it must have at least one of onRequest, onResponse and onReplay");
  }
  // Functions of the user's; what they return is looked at, not trusted.
  return bound;
}

function pluginIn(module: unknown, name: string): object | undefined {
  if (typeof module !== "object" || module === null) return undefined;
  const found: unknown = Reflect.get(module, name);
  return typeof found === "object" && found !== null ? found : undefined;
}
