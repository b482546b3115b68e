/** The only door of `@mirrorball/protocol`. */
export { BodyState, MessageKind, timestampToNs, timestampToUs } from "./message.ts";
export type { Message, MessageContext, Timestamp } from "./message.ts";
export { REPLAY_FIELD } from "./replay-mark.ts";
export { HttpMessage, contentLength, headEnd, isChunked } from "./http-message.ts";
export { formatHead, headerValue, isResponseHead, parseHead } from "./head.ts";
export type { Head, HeaderList, RequestHead, ResponseHead } from "./head.ts";
export { RecordType, packRecords, unpackRecords } from "./record.ts";
export type * from "./record.ts";
export { checkPayload } from "./check-payload.ts";
export { ProducerSession } from "./producer.ts";
export type { ProducerOptions, ProducerState } from "./producer.ts";
export { ConsumerSession } from "./consumer.ts";
export type { ConsumerOptions, DataFrame } from "./consumer.ts";
export type { Fault, Hello } from "./control.ts";
export { FRAME_HEADER_BYTES, FrameDecoder, FrameFault, FrameType, encodeFrame } from "./frame.ts";
export { PROTOCOL_VERSION } from "./frame.ts";
export type { Frame } from "./frame.ts";
export * from "./limits.ts";
