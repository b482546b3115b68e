/**
 * Our own layers in the stacks of Express applications. A layer costs every request that passes it: Express parses the path
 * again, makes a closure, and reads and writes request and response a dozen times (measured: 2 to 3 µs for one that
 * only calls `next`). Once a mirror has the whole server, a mirror mounted at its root has nothing to do there: it leaves.
 * When a request begins on a server of which nobody knows whose it is, it is put back before the application sees that
 * request, and stays until that is known.
 *
 * A stack is replaced, never changed: a request under way keeps the one that it began with, so none of its layers is run
 * twice or skipped. Whatever does not look like Express's router, is left as it is.
 */

/** `app.router` of Express 5, `app._router` of Express 4. */
interface Router {
  stack: readonly unknown[];
}

/** The name of the function that Express wraps around a mounted application. */
const MOUNTED_NAME = "mounted_app";

interface Place {
  readonly router: Router;
  readonly layer: unknown;
  /** Where in the stack it was when it left; -1 while it is there. */
  index: number;
}

export class OwnLayers {
  readonly #places: Place[] = [];
  #left = false;

  /** The application has just mounted us: the last layer of its stack is ours. */
  mountedOn(app: object): void {
    try {
      const router = routerOf(app);
      const layer = router?.stack.at(-1);
      if (router !== undefined && isOurs(layer)) this.#places.push({ router, layer, index: -1 });
    } catch {
      // No Express that we know, then.
    }
  }

  /** There are layers, in their stacks. */
  get present(): boolean {
    return !this.#left && this.#places.length > 0;
  }

  leave(): void {
    if (!this.present) return;
    this.#left = true;
    for (const place of this.#places) {
      const { router, layer } = place;
      place.index = -1;
      const index = router.stack.indexOf(layer);
      if (index < 0) continue;
      router.stack = router.stack.toSpliced(index, 1);
      place.index = index;
    }
  }

  /** Idempotent, as `leave`. */
  putBack(): void {
    if (!this.#left) return;
    this.#left = false;
    for (const { router, layer, index } of this.#places) {
      if (index >= 0) router.stack = router.stack.toSpliced(index, 0, layer);
    }
  }
}

function routerOf(app: object): Router | undefined {
  const { _router: router4 } = app as { readonly _router?: unknown };
  // Express 4 throws at whoever reads `router`, hence in this order.
  const router = router4 ?? (app as { readonly router?: unknown }).router;
  if ((typeof router !== "object" && typeof router !== "function") || router === null)
    return undefined;
  return Array.isArray((router as { readonly stack?: unknown }).stack)
    ? (router as Router)
    : undefined;
}

function isOurs(layer: unknown): boolean {
  if (typeof layer !== "object" || layer === null) return false;
  const { handle } = layer as { readonly handle?: unknown };
  return typeof handle === "function" && handle.name === MOUNTED_NAME;
}
