/**
 * The door of those who only look at messages, `@mirrorball/protocol/messages`: the model, heads, bounds. It loads neither msgpackr nor the
 * ends of connections, so that what merely declares and edits is there at once.
 */
export { BodyState, MessageKind, timestampToNs, timestampToUs } from "./message.ts";
export type { Message, MessageContext, Timestamp } from "./message.ts";
export { REPLAY_FIELD } from "./replay-mark.ts";
export { HttpMessage, contentLength, headEnd, isChunked } from "./http/http-message.ts";
export { formatHead, headerValue, isResponseHead, parseHead } from "./http/head.ts";
export type { Head, HeaderList, RequestHead, ResponseHead } from "./http/head.ts";
export { fnv1a32 } from "./fnv.ts";
export { printable } from "./printable.ts";
export * from "./limits.ts";
