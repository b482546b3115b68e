/**
 * What is known of one place of one endpoint on one rung: how often the sides differ there, examples of how, and what noise was seen. In:
 * occurrences, and looks for noise. Out: data for the judge. Bounded: beyond the stored occurrences only numbers are kept.
 */
import type { DifferenceKind, Part } from "../report/report.ts";

/** One compared exchange, as far as later exchanges and the report need it. */
export interface ExchangeRef {
  /** Place among the requests of the recording. */
  readonly index: number;
  readonly id: string;
  readonly endpoint: string;
  readonly session: number;
  readonly isWrite: boolean;
  /** It names its caller by a token that no recorded response gave out. */
  readonly hasForeignCredentials: boolean;
  readonly originalAtMs: number;
  readonly originalEndMs: number;
  readonly replayedAtMs: number;
  readonly replayedEndMs: number;
  /** Ids in the request and in the original answer. */
  readonly touched: readonly string[];
  /** Ids that the original answer gave and the request had not. */
  readonly given: readonly string[];
  /** The request, for a command that replays it; undefined where there was no room. */
  readonly request?: Uint8Array | undefined;
}

export interface Occurrence {
  readonly exchange: ExchangeRef;
  readonly a: string;
  readonly b: string;
  /** What the control answered there; null when it was as the original, undefined without a control. */
  readonly control: string | null | undefined;
}

/** Occurrences that are stored; more of the same kind are counted. */
const STORED_MAX = 1000;

/** Looks that show how far noise moves a number. */
const LOOKS_MIN = 5;

export class Rung {
  readonly part: Part;
  readonly path: string;
  readonly where: string;
  readonly kind: DifferenceKind;
  /** Exchanges in which the sides differ here. */
  count = 0;
  readonly stored: Occurrence[] = [];
  /** Exchanges in which only the control differs from the original here. */
  onlyControl = 0;
  readonly controls: Occurrence[] = [];
  /** Answers of the target to the same request, asked twice in a row, that differed here. */
  probesDiffered = 0;
  /** Originals of equal requests that differed here. */
  originalsDiffered = 0;
  /** How far numbers are apart, by their ratio, when nothing but noise is between them. */
  ratioMax = 1;
  #lastIndex = -1;

  constructor(part: Part, path: string, where: string, kind: DifferenceKind) {
    this.part = part;
    this.path = path;
    this.where = where;
    this.kind = kind;
  }

  /** How far noise moves a number here; of few looks nothing is known: 1. */
  get noiseRatio(): number {
    return this.probesDiffered + this.originalsDiffered >= LOOKS_MIN ? this.ratioMax : 1;
  }

  /** Only the control differs. */
  addControl(occurrence: Occurrence): void {
    this.onlyControl += 1;
    if (this.controls.length < STORED_MAX) this.controls.push(occurrence);
  }

  /** Counts an exchange once, however many elements of a list differ in it. */
  add(occurrence: Occurrence): void {
    if (occurrence.exchange.index !== this.#lastIndex) this.count += 1;
    this.#lastIndex = occurrence.exchange.index;
    if (this.stored.length < STORED_MAX) this.stored.push(occurrence);
  }
}
