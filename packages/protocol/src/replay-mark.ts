/**
 * The field that marks a replay. Every request that a replay server sends carries it, and whatever captures traffic
 * leaves out requests that do: otherwise a replay sent to a captured machine would be recorded and replayed for ever.
 */
export const REPLAY_FIELD: string = "X-Mirrorball-Replay";
