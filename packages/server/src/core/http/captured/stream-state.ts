/** Where in a message a stream parser stands. */

export const State = {
  start: 0,
  head: 1,
  length: 2,
  chunked: 3,
  untilClose: 4,
  hunt: 5,
  foreign: 6,
} as const;
export type State = (typeof State)[keyof typeof State];

/** No body is one of no bytes. */
export const STATE_OF: readonly [State, State, State, State, State] = [
  State.length,
  State.length,
  State.chunked,
  State.untilClose,
  State.length,
];

/** Where a message's end got lost: its head told none that can be trusted, or its body did not keep what it promised. */
export const End = { known: 0, lostInHead: 1, lostInBody: 2 } as const;
export type End = (typeof End)[keyof typeof End];
