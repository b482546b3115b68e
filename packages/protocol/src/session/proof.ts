/**
 * The proof that one end of a connection knows the shared token, without sending it. In: the token and everything both ends
 * know of this handshake. Out: 32 bytes. Knows no frames and no sockets.
 *
 * The producer proves first. A server answers whoever connects with random bytes only, so that a scanner has nothing to
 * try passwords on; who poses as a server gets a producer's proof, which is why a token has a least length.
 *
 * With TLS at both ends the proof covers keying material of the channel (RFC 9266, `tls-exporter`): both ends derive it from
 * secrets of their own handshake, so that somebody in the middle, who has a TLS channel to each, cannot pass a proof on. It
 * is sound with TLS 1.3, which two Nodes always agree on, and with 1.2 where the extended master secret is used, which
 * OpenSSL has done by default since 1.1. Certificates would not do: a server behind a proxy with the same certificate,
 * or one reached through somebody who has its key, could not be told apart.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { HANDSHAKE } from "./control.ts";
import type { Challenge, Fault, Hello } from "./control.ts";

/** For `TLSSocket.exportKeyingMaterial`. */
export const CHANNEL_BINDING_BYTES: number = 32;
export const CHANNEL_BINDING_LABEL: string = "EXPORTER-Channel-Binding";

/** Part of every proof, so that it is worth nothing in another protocol or handshake. */
const PROOF_CONTEXT = "mirrorball/1 handshake/2";

/** What the server says its end of the channel is; part of every proof, so that nobody in between can change it. */
const Channel = {
  /** Neither end sees TLS. */
  plain: 0,
  /** Both do: the proof is bound to the channel. */
  bound: 1,
  /** The server was told that a proxy ends TLS, and takes proofs that are not bound. */
  unbound: 2,
} as const;

interface ProofInput {
  readonly token: string;
  readonly producerNonce: Uint8Array;
  readonly serverNonce: Uint8Array;
  readonly producerId: Uint8Array;
  readonly producerSeesTls: boolean;
  readonly channel: number;
  /** The channel's keying material; used when `channel` says that both have it. */
  readonly binding: Uint8Array | undefined;
}

/** Apart for each role, so that neither side's proof can be sent back to it. */
function proofOf(role: "server" | "producer", input: ProofInput): Uint8Array {
  const { token, channel, binding } = input;
  const hmac = createHmac("sha256", token)
    .update(`${PROOF_CONTEXT} ${role} ${input.producerSeesTls ? "tls" : "plain"} ${channel} `)
    .update(input.producerNonce)
    .update(input.serverNonce)
    .update(input.producerId);
  if (channel === Channel.bound && binding !== undefined) hmac.update(binding);
  return hmac.digest();
}

function sameProof(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** What one end knows of a handshake before it has heard of the other. */
interface Own {
  readonly token?: string | undefined;
  /** The TLS channel's keying material; undefined when this end sees no TLS. */
  readonly binding?: Uint8Array | undefined;
}

/** The producer's half: proves first, then wants to see the server's proof. For one connection. */
export class ProducerProof {
  readonly #own: Own & { readonly producerId: Uint8Array; readonly producerNonce?: Uint8Array };
  #input: ProofInput | undefined;

  constructor(own: Own & { readonly producerId: Uint8Array; readonly producerNonce?: Uint8Array }) {
    this.#own = own;
  }

  /** The proof to send, or why none is. */
  answer(challenge: Challenge | "older"): Uint8Array | Fault {
    const { token, binding, producerId, producerNonce = NO_BYTES } = this.#own;
    if (challenge === "older") {
      const message = "the server proves its token in an older way, which lets others guess it";
      return { code: "older-handshake", message: `${message}: update it` };
    }
    if (token === undefined) {
      return { code: "token-required", message: "the server wants a token and none is set" };
    }
    const { nonce, channel } = challenge;
    const producerSeesTls = binding !== undefined;
    if (channel !== Channel.unbound && (channel === Channel.bound) !== producerSeesTls) {
      const message = "one end sees TLS and the other does not: something between them ends it";
      return { code: "token-unbound", message };
    }
    this.#input = {
      token,
      producerNonce,
      serverNonce: nonce,
      producerId,
      producerSeesTls,
      channel,
      binding,
    };
    return proofOf("producer", this.#input);
  }

  /** Without a token there is nothing to prove; with one, a server that never asked for ours has shown nothing. */
  isProven(proof: Uint8Array | null): boolean {
    if (this.#own.token === undefined) return true;
    if (this.#input === undefined || proof === null) return false;
    return sameProof(proof, proofOf("server", this.#input));
  }
}

/** The server's half: random bytes first, a proof only to who has proven. For one connection. */
export class ConsumerProof {
  readonly #own: Own & { readonly nonce: Uint8Array; readonly unbound?: boolean };
  #channel: number = Channel.plain;

  /** `unbound`: proofs need not be bound to the channel, because a proxy ends TLS. */
  constructor(own: Own & { readonly nonce: Uint8Array; readonly unbound?: boolean }) {
    this.#own = own;
  }

  /** What to ask a producer; undefined when no token is asked for. What is said here is worth nothing to who guesses tokens. */
  challenge(hello: Hello): Challenge | Fault | undefined {
    const { token, nonce, binding, unbound = false } = this.#own;
    if (token === undefined) return undefined;
    const seesTls = binding !== undefined;
    if (hello.handshake < HANDSHAKE) {
      const message = "the producer proves a token in an older way, which let others guess it";
      return { code: "older-handshake", message: `${message}: update it` };
    }
    if (hello.hasToken === 0) {
      const message = "this server wants a token, and the producer has none";
      return { code: "token-required", message };
    }
    if (!unbound && seesTls !== (hello.seesTls !== 0)) {
      const [one, other] = seesTls ? ["server", "producer"] : ["producer", "server"];
      const message = `the ${one} sees TLS and the ${other} does not: something between them ends it`;
      return { code: "token-unbound", message };
    }
    this.#channel = unbound ? Channel.unbound : seesTls ? Channel.bound : Channel.plain;
    return { nonce, channel: this.#channel };
  }

  /** Why a proof is none. */
  verify(hello: Hello, proof: Uint8Array): Fault | undefined {
    const input = this.#inputOf(hello);
    if (input !== undefined && sameProof(proof, proofOf("producer", input))) return undefined;
    const hint = this.#channel === Channel.bound ? ", or something between them ends TLS" : "";
    const message = `the producer does not know this server's token${hint}`;
    return { code: "token-differs", message };
  }

  /** For WELCOME: null without a token. */
  own(hello: Hello): Uint8Array | null {
    const input = this.#inputOf(hello);
    return input === undefined ? null : proofOf("server", input);
  }

  #inputOf(hello: Hello): ProofInput | undefined {
    const { token, nonce, binding } = this.#own;
    if (token === undefined) return undefined;
    return {
      token,
      producerNonce: hello.nonce,
      serverNonce: nonce,
      producerId: hello.producerId,
      producerSeesTls: hello.seesTls !== 0,
      channel: this.#channel,
      binding,
    };
  }
}

const NO_BYTES: Uint8Array = new Uint8Array(0);
