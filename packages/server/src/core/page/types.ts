/** What the page shows of an exchange, as it travels to the browser: plain data, types only. */
import type { ContentKind } from "../content/body.ts";

/** An answer of one target in a row of the list. */
export interface RowAnswer {
  readonly target: string;
  /** 0 when its head cannot be read. */
  readonly status: number;
  readonly ms: number | null;
  /** Why there is no answer. */
  readonly failure: string | null;
}

/** One line of the list. Rows of one exchange have one number; the last one that came is right. */
export interface Row {
  readonly seq: number;
  readonly id: string;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly method: string;
  readonly target: string;
  readonly route: string | null;
  readonly service: string | null;
  /** Of the recorded answer. */
  readonly status: number | null;
  readonly ms: number | null;
  /** Of request and answers. */
  readonly bytes: number;
  readonly replayed: readonly RowAnswer[];
  /** Places in which a replayed answer differs from the recorded one, noise left out; null when there is nothing to compare. */
  readonly differs: number | null;
  /** Null when it was not looked for yet. */
  readonly session: number | null;
}

/** A place in which two answers differ. */
export interface Place {
  readonly part: "status" | "header" | "body";
  /** A header field's name in lower case; a path such as `$.items[].price`; else "". */
  readonly path: string;
  /** More exactly where, when `path` names more than one place. */
  readonly where: string;
  readonly kind: string;
  readonly original: string;
  readonly replayed: string;
  /** Why it most likely means nothing; else null. */
  readonly noise: string | null;
}

/** One message for reading. */
export interface Side {
  /** The start line, as it was sent. */
  readonly start: string;
  /** Names and values, in order. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: SideBody;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly ms: number | null;
  /** What a reader must know: cut, broken off, failed. */
  readonly notes: readonly string[];
}

export interface SideBody {
  readonly kind: ContentKind | "undecodable";
  /** As it came, codings on. */
  readonly length: number;
  /** Decoded; null for what is no text. */
  readonly text: string | null;
  /** The text goes on. */
  readonly isCut: boolean;
  /** `image/png` when a browser can show it as a picture. */
  readonly image: string | null;
}

export interface Detail {
  readonly row: Row;
  readonly peer: string | null;
  readonly tags: readonly string[];
  readonly request: Side;
  readonly original: Side | null;
  readonly replayed: readonly ReplayedSide[];
}

export interface ReplayedSide {
  readonly target: string;
  readonly side: Side;
  /** Against the recorded answer. */
  readonly places: readonly Place[];
}

/** Which message of an exchange. */
export type SideName = "request" | "original" | "replayed";
