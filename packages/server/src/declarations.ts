/**
 * The door of those who only ask what there is, `@mirrorball/server/declarations`: the catalogue, what help says of it, and the streams
 * to say it on. It loads nothing of what runs; `light.test.ts` holds it to that.
 */
export { catalogue } from "./catalogue.ts";
export { unknownCommand } from "./component/argv.ts";
export { firstPage, helpOn, toolHelpText, topicLike } from "./component/describe/help.ts";
export type { HelpCommand } from "./component/describe/help.ts";
export { standardError, standardOutput } from "./engine/standard-stream.ts";
