/** What a comparison keeps of one endpoint: counts, rungs by place, times. In: differences and looks. Out: data for the judge. Bounded. */
import { placeKey } from "./differences/difference.ts";
import type { Difference } from "./differences/difference.ts";
import { Rung } from "./differences/place.ts";

/** Places of one endpoint, each with its kind of difference; more are counted under one name. */
const RUNGS_MAX = 500;
/** Times that are kept: the latest. */
const TIMES_MAX = 4096;

export class EndpointRecord {
  readonly key: string;
  readonly method: string;
  readonly route: string;
  readonly rungs: Map<string, Rung> = new Map();
  requests = 0;
  /** Exchanges in which a control answered too; looks for noise by asking twice, and at equal requests of the recording. */
  controlled = 0;
  probes = 0;
  repeats = 0;
  readonly originalMs: Times = new Times();
  readonly replayedMs: Times = new Times();
  readonly controlMs: Times = new Times();
  /** When exchanges were replayed, in milliseconds, and how much longer they took than what they are compared with. */
  readonly timings: { readonly at: number; readonly added: number }[] = [];

  constructor(method: string, route: string) {
    this.key = `${method} ${route}`;
    this.method = method;
    this.route = route;
  }

  rung(difference: Difference): Rung {
    const { part, path, where, kind } = difference;
    const key = `${placeKey(difference)} ${kind}`;
    const known = this.rungs.get(key);
    if (known !== undefined) return known;
    const isFull = this.rungs.size >= RUNGS_MAX;
    if (isFull) return this.#rest(difference);
    const rung = new Rung(part, path, where, kind);
    this.rungs.set(key, rung);
    return rung;
  }

  /** One for all places that find no room, a part and kind each. */
  #rest({ part, kind }: Difference): Rung {
    const key = `${part} (others) ${kind}`;
    const rung =
      this.rungs.get(key) ?? new Rung(part, part === "body" ? "" : "(others)", "(others)", kind);
    this.rungs.set(key, rung);
    return rung;
  }

  timed(at: number, added: number): void {
    if (!Number.isNaN(added) && this.timings.length < TIMES_MAX) this.timings.push({ at, added });
  }

  /** Two answers that should be equal: what differs between them varies by itself. */
  looked(source: "probe" | "original", differences: readonly Difference[]): void {
    if (source === "probe") this.probes += 1;
    else this.repeats += 1;
    for (const each of differences) {
      const rung = this.rung(each);
      rung.ratioMax = Math.max(rung.ratioMax, ratioOf(each.a, each.b));
    }
    for (const rung of new Set(differences.map((each) => this.rung(each)))) {
      if (source === "probe") rung.probesDiffered += 1;
      else rung.originalsDiffered += 1;
    }
  }
}

/** How many times the larger of two numbers is the smaller; 1 when they are none, or one is 0. */
export function ratioOf(a: string, b: string): number {
  if (a.trim() === "" || b.trim() === "") return 1;
  const [x, y] = [Number(a), Number(b)];
  const ratio = Math.max(Math.abs(x / y), Math.abs(y / x));
  return Number.isFinite(ratio) ? ratio : 1;
}

export class Times {
  count = 0;
  readonly #values: number[] = [];

  add(ms: number): void {
    if (Number.isNaN(ms)) return;
    if (this.#values.length < TIMES_MAX) this.#values.push(ms);
    else this.#values[this.count % TIMES_MAX] = ms;
    this.count += 1;
  }

  sorted(): number[] {
    return [...this.#values].sort((x, y) => x - y);
  }
}
