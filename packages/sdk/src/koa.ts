/**
 * `@mirrorball/sdk/koa`: `app.use(mirror())` for Koa 2 and 3.
 *
 * Koa says nothing at mount time. When the middleware is reached, `@koa/router` has left the matched pattern on the
 * context and `koa-mount` its prefix; with neither, it was reached at the root of the application.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { MirrorCore } from "./mirror.ts";
import type { MirrorControl } from "./mirror.ts";
import type { MirrorOptions } from "./options.ts";

interface KoaContext {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
}

interface KoaMarks {
  readonly mountPath?: unknown;
  readonly routerPath?: unknown;
  readonly _matchedRoute?: unknown;
}

export interface KoaMirror extends MirrorControl {
  <T>(ctx: KoaContext, next: () => Promise<T>): Promise<T>;
}

/** Throws a TypeError that lists every fault of `options`; nothing throws afterwards. */
export function mirror(options: MirrorOptions = {}): KoaMirror {
  const core = new MirrorCore(options, { waits: true });
  const middleware = <T>(ctx: KoaContext, next: () => Promise<T>): Promise<T> => {
    core.reached(ctx.req, isAtRoot(ctx), ctx);
    return next();
  };
  return Object.assign(middleware, {
    stats: () => core.stats(),
    close: (closeOptions?: { readonly timeoutMs?: number }) => core.close(closeOptions),
  });
}

function isAtRoot(context: object): boolean {
  try {
    const { mountPath, routerPath, _matchedRoute: matched } = context as KoaMarks;
    return mountPath === undefined && routerPath === undefined && matched === undefined;
  } catch {
    // A context with a getter that throws: rather one exchange too few.
    return false;
  }
}

export type { MirrorOptions } from "./options.ts";
export type { MirrorStats } from "./stats/stats.ts";
