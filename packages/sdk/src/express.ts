/**
 * `@mirrorball/sdk/express`: `app.use(mirror())` for Express 4 and 5 (and connect).
 *
 * To know at mount time where it is mounted, the middleware is also what Express calls a mountable application: it has
 * `handle`, `set` and `emit`, and Express tells such a thing by a `mount` event (public behaviour since Express 3).
 * Routers and routes know nothing of that and call it as a plain function. So: told, at `/`, and reached with an
 * empty `baseUrl` means the root of the whole application; anything else means what reaches it.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { OwnLayers } from "./capture/express-layer.ts";
import { MirrorCore } from "./mirror.ts";
import type { MirrorControl } from "./mirror.ts";
import type { MirrorOptions } from "./options.ts";

type Next = (error?: unknown) => void;

export interface ExpressMirror extends MirrorControl {
  (req: IncomingMessage, res: ServerResponse, next: Next): void;
}

/** What `app.use` sets and calls on a mounted application. */
interface MountedApplication {
  mountpath: string | readonly string[];
  handle: (req: IncomingMessage, res: ServerResponse, next: Next) => void;
  set: () => void;
  emit: (this: MountedApplication, event: string, parent: object) => boolean;
}

/** Throws a TypeError that lists every fault of `options`; nothing throws afterwards. */
export function mirror(options: MirrorOptions = {}): ExpressMirror {
  const core = new MirrorCore(options, { waits: true });
  const control: MirrorControl = {
    stats: () => core.stats(),
    close: (closeOptions) => core.close(closeOptions),
  };
  // A disabled mirror costs what an empty middleware costs.
  if (!core.enabled)
    return Object.assign(
      (_req: IncomingMessage, _res: ServerResponse, next: Next) => next(),
      control,
    );
  const middleware = (req: IncomingMessage, _res: ServerResponse, next: Next): void => {
    core.reached(req, false);
    next();
  };
  return Object.assign(middleware, control, mountable(core));
}

/** What makes Express tell where we are mounted. */
function mountable(core: MirrorCore): MountedApplication {
  const layers = new OwnLayers();
  let mountedAtRoot = false;
  return {
    mountpath: "/",
    handle: (req, _res, next) => {
      // Every look at Express's request costs: the usual case, a server of ours, does with none.
      if (!core.records(req)) {
        const { baseUrl } = req as { readonly baseUrl?: unknown };
        core.reached(req, mountedAtRoot && (baseUrl === "" || baseUrl === undefined));
      }
      if (layers.present) core.leave(layers, req);
      next();
    },
    set: () => {},
    // Express calls it as a method, after it has set `mountpath`.
    emit(event, parent) {
      if (event !== "mount") return false;
      const { mountpath } = this;
      const atRoot = mountpath === "/" || (Array.isArray(mountpath) && mountpath.includes("/"));
      if (!atRoot) return true;
      mountedAtRoot = true;
      core.attachApp(parent);
      layers.mountedOn(parent);
      return true;
    },
  };
}

export type { MirrorOptions } from "./options.ts";
export type { MirrorStats } from "./stats/stats.ts";
