/**
 * `@mirrorball/sdk`: for plain `http` and `https` servers and frameworks that give theirs away. Express and Koa have doors
 * of their own, `@mirrorball/sdk/express` and `@mirrorball/sdk/koa`; `@mirrorball/sdk/register` needs no code.
 */
export { createMirror } from "./mirror.ts";
export type { Mirror, MirrorControl } from "./mirror.ts";
export type { BreakerOptions } from "./guard/breaker.ts";
export type { MirrorOptions, SampleKey, TlsOptions } from "./options.ts";
export type { RedactName, RedactOptions, RedactPattern } from "./redact/rules.ts";
export type { ReplaceAs } from "./redact/replacer.ts";
export type { BreakerState, CallbackName, DropReason, MirrorStats } from "./stats/stats.ts";
