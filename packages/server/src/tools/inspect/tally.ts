/**
 * Counts what a recording holds: kinds, methods, statuses, hosts, routes, sizes, the time it spans. In: messages. Out: text.
 * Memory is bounded, whatever the recording says: beyond so many different words the rest are counted together.
 */
import { MessageKind, headerValue, isResponseHead, timestampToNs } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { Histogram } from "../../core/histogram.ts";
import { routeOf } from "../../core/route-shape.ts";
import { escaped, formatTime } from "./readable.ts";

/** Different words a table holds. */
const WORDS_MAX = 10_000;
/** Lines a table prints. */
const LINES_MAX = 20;
const OTHERS = "(others)";
const KIND_NAMES: readonly string[] = ["", "requests", "responses", "replayed responses"];

class Table {
  readonly counts: Map<string, number> = new Map();

  count(word: string): void {
    const known = this.counts.get(word);
    const key = known === undefined && this.counts.size >= WORDS_MAX ? OTHERS : word;
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
  }

  /** The most frequent first. */
  lines(title: string): string[] {
    if (this.counts.size === 0) return [];
    const sorted = [...this.counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
    const lines = sorted
      .slice(0, LINES_MAX)
      .map(
        ([word, count]) =>
          `  ${String(count).padStart(9)}  ${escaped(word).replaceAll("\n", "\\n")}`,
      );
    const more = sorted.length - LINES_MAX;
    return ["", title, ...lines, ...(more > 0 ? [`             and ${more} more`] : [])];
  }
}

class Sizes {
  count = 0;
  bytes = 0;
  readonly #histogram = new Histogram();

  add(bytes: number): void {
    this.count += 1;
    this.bytes += bytes;
    // Bytes in the place of microseconds.
    this.#histogram.record(bytes / 1000);
  }

  line(name: string): string {
    const at = (share: number): number => Math.round(this.#histogram.percentile(share) * 1000);
    return `  ${String(this.count).padStart(9)}  ${name}, ${this.bytes} bytes; p50 ${at(0.5)}, p99 ${at(0.99)}, max ${Math.round(this.#histogram.maxMs * 1000)}`;
  }
}

export class Tally {
  readonly #sizes: Map<MessageKind, Sizes> = new Map();
  readonly #methods = new Table();
  readonly #statuses = new Table();
  readonly #hosts = new Table();
  readonly #routes = new Table();
  #unreadable = 0;
  #first: bigint | undefined;
  #last = 0n;

  add({ kind, startedAt, http, context }: Message): void {
    const at = timestampToNs(startedAt);
    if (this.#first === undefined || at < this.#first) this.#first = at;
    if (at > this.#last) this.#last = at;
    const sizes = this.#sizes.get(kind) ?? new Sizes();
    this.#sizes.set(kind, sizes);
    sizes.add(http.raw.length);
    const { head } = http;
    if (head === undefined) {
      this.#unreadable += 1;
    } else if (isResponseHead(head)) {
      this.#statuses.count(
        kind === MessageKind.replayed ? `${head.status} replayed` : String(head.status),
      );
    } else {
      this.#methods.count(head.method);
      this.#hosts.count(headerValue(head.headers, "host") ?? "(none)");
      this.#routes.count(`${head.method} ${routeOf(head.target, context)}`);
    }
  }

  report(): string {
    const kinds = [...this.#sizes].sort((a, b) => a[0] - b[0]);
    const lines = kinds.map(([kind, sizes]) => sizes.line(KIND_NAMES[kind] ?? ""));
    if (this.#unreadable > 0)
      lines.push(`  ${String(this.#unreadable).padStart(9)}  of them are no HTTP/1`);
    return [
      ...this.#span(),
      ...lines,
      ...this.#methods.lines("methods"),
      ...this.#statuses.lines("statuses"),
      ...this.#hosts.lines("hosts"),
      ...this.#routes.lines("routes"),
      "",
    ].join("\n");
  }

  #span(): string[] {
    if (this.#first === undefined) return ["no records"];
    const seconds = Number(this.#last - this.#first) / 1e9;
    const requests = this.#sizes.get(MessageKind.request)?.count ?? 0;
    const rate = seconds > 0 ? `, ${(requests / seconds).toFixed(1)} requests/s` : "";
    return [
      `${formatTime(this.#first)} to ${formatTime(this.#last)}`,
      `${seconds.toFixed(3)} s${rate}`,
    ];
  }
}
