/** What one pass over a head finds out: the start line, what decides framing, and the first reason to distrust it. */

/** Methods whose responses are framed in another way. */
/** `unknown`: of a response whose request was not seen. */
export const MethodKind = { other: 0, head: 1, connect: 2, unknown: 3 } as const;
export type MethodKind = (typeof MethodKind)[keyof typeof MethodKind];

/** What Transfer-Encoding says: absent, chunked at the end as it must be, or anything else. */
export const Coding = { none: 0, chunked: 1, other: 2, invalid: 3 } as const;
export type Coding = (typeof Coding)[keyof typeof Coding];

/** Returned instead of an end. */
export const NEEDS_MORE = 0;
export const NOT_A_HEAD: number = -1;

export class HeadScan {
  method: MethodKind = MethodKind.other;
  status = 0;
  versionMajor = 1;
  versionMinor = 1;
  /** The method is `PRI`, as in the preface of HTTP/2. */
  isPreface = false;
  /** -1: absent. */
  contentLength = -1;
  contentLengthInvalid = false;
  coding: Coding = Coding.none;
  /** The value of Upgrade, lower case; read of responses only. */
  upgrade = "";
  /** Carries the mark of a replay that a mirrorball server sent. */
  isReplay = false;
  fields = 0;
  /** The first reason to distrust the framing, or "". */
  ambiguity = "";

  reset(): void {
    this.method = MethodKind.other;
    this.status = 0;
    this.versionMajor = 1;
    this.versionMinor = 1;
    this.isPreface = false;
    this.contentLength = -1;
    this.contentLengthInvalid = false;
    this.coding = Coding.none;
    this.upgrade = "";
    this.isReplay = false;
    this.fields = 0;
    this.ambiguity = "";
  }

  markAmbiguous(reason: string): void {
    if (this.ambiguity === "") this.ambiguity = reason;
  }
}
