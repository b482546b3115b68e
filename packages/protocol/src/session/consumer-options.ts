/** What the server's end of a connection is given, and gives out. Types only. */
import type { Figures, Hello } from "./control.ts";
import type { CreditOptions } from "./credit-window.ts";

export interface ConsumerOptions extends CreditOptions {
  /** Shared secret that producers must prove; undefined lets everybody in. */
  readonly token?: string | undefined;
  /** 16 random bytes, new for each connection. */
  readonly nonce: Uint8Array;
  /** Keying material of the TLS channel (see `proof.ts`); undefined when this end sees no TLS. */
  readonly binding?: Uint8Array | undefined;
  /** True when proofs need not be bound to the channel: a proxy ends TLS. */
  readonly unbound?: boolean;
  /** Called with what a producer says of its books. */
  readonly figures?: (figures: Figures) => void;
  /**
   * Called once, when the producer is known (and proven): the sequence number of the last of its frames that is
   * safe here, or undefined when this server does not know it. "later": `welcome` will be called, as when frames of it are
   * on their way to a disk and it must be told for certain which ones are here.
   */
  readonly resume: (hello: Hello) => number | undefined | "later";
}

export interface DataFrame {
  readonly seq: number;
  /** Not checked, not unpacked: pass it to `checkPayload`, then `unpackRecords`. */
  readonly payload: Uint8Array;
}
