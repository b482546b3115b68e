/**
 * `@mirrorball/sdk`: for plain `http` and `https` servers and frameworks that give theirs away. Express and Koa have doors
 * of their own, `@mirrorball/sdk/express` and `@mirrorball/sdk/koa`; `@mirrorball/sdk/register` needs no code.
 */
export { createMirror } from "./mirror.ts";
export type { Mirror, MirrorControl } from "./mirror.ts";
export type { MirrorOptions, RedactOptions, SampleKey, TlsOptions } from "./options.ts";
export type { DropReason, MirrorStats } from "./stats.ts";
