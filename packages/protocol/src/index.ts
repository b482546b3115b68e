/** The only door of `@mirrorball/protocol`. */
export { BodyState, MessageKind, timestampToNs, timestampToUs } from "./message.ts";
export type { Message, MessageContext, Timestamp } from "./message.ts";
export { HttpMessage, contentLength, headEnd, isChunked } from "./http-message.ts";
export { formatHead, headerValue, isResponseHead, parseHead } from "./head.ts";
export type { Head, HeaderList, RequestHead, ResponseHead } from "./head.ts";
