/** The door of those who write documentation, `@mirrorball/server/reference`: pages and schemas made from declarations. */
export { flagsOf, toolFlags } from "./component/flags.ts";
export { referencePages } from "./component/describe/reference.ts";
export { unsupportedFlags } from "./component/unsupported-flags.ts";
export type { UnsupportedFlags } from "./component/unsupported-flags.ts";
