/** Where in a message a stream parser stands. */

export const State = {
  start: 0,
  head: 1,
  body: 2,
  hunt: 3,
  foreign: 4,
} as const;
export type State = (typeof State)[keyof typeof State];

/** Where a message's end got lost: its head told none that can be trusted, or its body did not keep what it promised. */
export const End = { known: 0, lostInHead: 1, lostInBody: 2 } as const;
export type End = (typeof End)[keyof typeof End];
