/**
 * Whether the journal takes frames, and what is said about it: one line of log when that changes. Knows no disk.
 */
import type { Logger } from "../component/types.ts";
import type { JournalCounters } from "./counters.ts";

type State = JournalCounters["state"];

const LINES: Readonly<Record<State, string>> = {
  ok: "takes frames again",
  full: "at its limit; nothing is taken until outputs have moved on",
  degraded: "the disk takes nothing; nothing is acknowledged until it does",
};
/** The same for those who wait at the other end. */
const TROUBLES: Readonly<Record<State, string | undefined>> = {
  ok: undefined,
  full: "its journal is at its limit",
  degraded: "the disk of its journal takes nothing",
};

export class Health {
  state: State = "ok";
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  become(state: State): void {
    if (state === this.state) return;
    this.#log.warn(LINES[state]);
    this.state = state;
  }

  get trouble(): string | undefined {
    return TROUBLES[this.state];
  }
}
