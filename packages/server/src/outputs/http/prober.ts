/**
 * Chooses the safe requests that are asked twice in a row, to see what varies at the target by itself. In: requests. Out: yes or no. The first
 * ones of each route are always asked twice; after that, a share.
 */
import { isResponseHead } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { routeOf } from "../../core/route-shape.ts";

/** Of each route: enough to see what varies at each look. */
const FIRST = 8;
const ROUTES_MAX = 2000;
/** Asked twice they still change nothing (RFC 9110 9.2.1); HEAD answers show no body. */
const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD"]);

export class Prober {
  readonly #share: number;
  readonly #seen: Map<string, number> = new Map();
  #debt = 0;

  constructor(share: number) {
    this.#share = share;
  }

  chooses({ http, context }: Message): boolean {
    const { head } = http;
    if (head === undefined || isResponseHead(head) || !METHODS.has(head.method)) return false;
    const route = routeOf(head.target, context);
    const seen = this.#seen.get(route) ?? 0;
    if (seen < FIRST && (seen > 0 || this.#seen.size < ROUTES_MAX)) {
      this.#seen.set(route, seen + 1);
      return true;
    }
    this.#debt += this.#share;
    if (this.#debt < 1) return false;
    this.#debt -= 1;
    return true;
  }
}
