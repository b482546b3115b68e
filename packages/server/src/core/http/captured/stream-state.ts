/** Where in a message a stream parser stands. */

export const State = {
  start: 0,
  head: 1,
  body: 2,
  resync: 3,
  foreign: 4,
} as const;
export type State = (typeof State)[keyof typeof State];

/** The mark of what is behind a message whose end could not be known. */
export const AFTER_FAULT = "after-fault";

/** Where a message's end got lost: its head told none that can be trusted, or its body did not keep what it promised. */
export const End = { known: 0, lostInHead: 1, lostInBody: 2 } as const;
export type End = (typeof End)[keyof typeof End];
