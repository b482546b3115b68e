/** Connections of one state, from the least to the most recently used: a doubly linked list through the connections. */
import type { Flow, FlowState } from "./flow.ts";

export class FlowList {
  readonly state: FlowState;
  oldest: Flow | undefined = undefined;
  #newest: Flow | undefined = undefined;

  constructor(state: FlowState) {
    this.state = state;
  }

  /** Takes a connection that is in no list. */
  add(flow: Flow): void {
    flow.list = this.state;
    flow.older = this.#newest;
    flow.newer = undefined;
    if (this.#newest === undefined) this.oldest = flow;
    else this.#newest.newer = flow;
    this.#newest = flow;
  }

  remove(flow: Flow): void {
    if (flow.older === undefined) this.oldest = flow.newer;
    else flow.older.newer = flow.newer;
    if (flow.newer === undefined) this.#newest = flow.older;
    else flow.newer.older = flow.older;
    flow.older = undefined;
    flow.newer = undefined;
  }
}
