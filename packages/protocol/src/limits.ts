/**
 * Every bound of the wire, in one place, with its unit and its reason. Both sides use the same numbers.
 */

/** Bytes of a frame's payload. A batch is a few dozen KiB; one MiB leaves room for a large head. */
export const FRAME_PAYLOAD_BYTES_MAX: number = 1024 * 1024;

/**
 * Bytes of a payload that is no DATA: names and numbers, two KiB at most today. Only DATA is bounded by credit, so a peer could
 * make its receiver hold the beginnings of others.
 */
export const CONTROL_PAYLOAD_BYTES_MAX: number = 16 * 1024;

/** Bytes of body in one chunk record: large enough to amortise the record, small enough to share a frame. */
export const CHUNK_BYTES_MAX: number = 64 * 1024;

/** An exchange whose bodies together are larger than this travels as head, chunks and end. */
export const WHOLE_EXCHANGE_BYTES_MAX: number = 256 * 1024;

/** Payload bytes that make a producer close a batch and send it: what a batch costs is mostly its system calls, here and for its ack. */
export const BATCH_BYTES_TARGET: number = 128 * 1024;

/** Nesting of a payload: list of records, record, list of header fields. Nothing needs a fourth. */
export const PAYLOAD_DEPTH_MAX: number = 3;

/**
 * Lists and byte strings a payload may hold: this many, plus one for every three bytes. These are what costs a receiver
 * memory beyond the frame's own, up to 110 bytes of heap each. No record that a producer writes needs more: the tests prove
 * it from the tables of `schema.ts`.
 */
export const PAYLOAD_OBJECTS_BASE: number = 256;
export const PAYLOAD_BYTES_PER_OBJECT_MIN: number = 3;

/**
 * Values of any kind that receivers before minor version 3 take in a payload: this many, plus one for every four bytes. A
 * frame with more is padded for them.
 */
export const PADDED_VALUES_BASE: number = 256;
export const PADDED_BYTES_PER_VALUE: number = 4;

/** Header fields of one head; Node itself stops at 2,000 by default. */
export const HEADER_FIELDS_MAX: number = 2048;

/** Bytes (characters) of one head's fields and start line together; Node's default is 16 KiB. */
export const HEAD_BYTES_MAX: number = 256 * 1024;

/** Characters of the names that travel in a handshake: service, version, error text. */
export const NAME_CHARS_MAX: number = 256;

/** Tags of one exchange, in names and values. */
export const TAGS_MAX: number = 64;

/** Frames that one WANT names: as many as fill a credit window when each is a batch. */
export const WANT_FRAMES_MAX: number = 64;

/** Bytes a receiver lets a producer send ahead of its acknowledgements, per connection, at most. */
export const CREDIT_WINDOW_BYTES: number = 4 * 1024 * 1024;

/** Milliseconds from connection to a finished handshake; a foreign peer must not hold a place longer. */
export const HANDSHAKE_MS_MAX: number = 1000;

/** Milliseconds a producer waits for the server's WELCOME: a busy server may be late, a wrong one never answers. */
export const WELCOME_MS_MAX: number = 5000;

/** Milliseconds without a byte from the peer before we ask whether it is alive. */
export const HEARTBEAT_IDLE_MS: number = 5000;

/** Milliseconds without a byte before the peer is held dead: kernels alone take a quarter of an hour. */
export const HEARTBEAT_DEAD_MS: number = 15_000;

/** Characters of a shared secret, at least: shorter ones can be found by trying all of them. */
export const TOKEN_CHARS_MIN: number = 16;

/** Bytes of a producer id and of a nonce: 128 bits never collide by accident. */
export const PRODUCER_ID_BYTES: number = 16;
export const NONCE_BYTES: number = 16;
/** Bytes of a proof: an HMAC of SHA-256. */
export const PROOF_BYTES: number = 32;

/** Bytes in front of every payload: magic, version, type, length, number and checksum. */
export const FRAME_HEADER_BYTES: number = 24;
