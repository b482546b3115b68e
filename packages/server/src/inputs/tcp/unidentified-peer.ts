/**
 * A socket of `--input-tcp` on which nothing was said yet, and the decision who speaks when something is.
 *
 * A gor opens its connections long before it has anything to send, so silence is no fault. Where gor may not speak, because
 * a token is asked for, it is one after the usual time.
 */
import type { Socket } from "node:net";
import { HANDSHAKE_MS_MAX } from "@mirrorball/protocol";
import { nameOf } from "./peer.ts";
import type { Peer, PeerEvents } from "./peer.ts";

const SPACE = 0x20;
const FIRST_KIND = 0x31; // "1"
const LAST_KIND = 0x33;

/** True when `chunk`, the first of a connection, may be the start of a gor record: `1 `, `2 ` or `3 `. */
export function startsLikeRecord(chunk: Buffer): boolean {
  const kind = chunk[0] ?? 0;
  if (kind < FIRST_KIND || kind > LAST_KIND) return false;
  return chunk.length === 1 || chunk[1] === SPACE;
}

export interface UnidentifiedPeerEvents extends PeerEvents {
  /** It has spoken: it is somebody else's from here on. */
  readonly spoke: (peer: Peer, chunk: Buffer) => void;
}

export class UnidentifiedPeer implements Peer {
  readonly peer: string;
  readonly #socket: Socket;
  readonly #events: UnidentifiedPeerEvents;
  readonly #deadlineMs: number;
  #over = false;
  readonly #onData = (chunk: Buffer): void => {
    this.#leave();
    this.#events.spoke(this, chunk);
  };
  readonly #onClose = (): void => this.#end(undefined);
  readonly #onError = (): void => {};

  constructor(socket: Socket, nowMs: number, maySilent: boolean, events: UnidentifiedPeerEvents) {
    this.peer = nameOf(socket);
    this.#socket = socket;
    this.#events = events;
    this.#deadlineMs = maySilent ? Number.POSITIVE_INFINITY : nowMs + HANDSHAKE_MS_MAX;
    socket.on("data", this.#onData);
    socket.on("close", this.#onClose);
    socket.on("error", this.#onError);
  }

  tick(nowMs: number): void {
    if (nowMs >= this.#deadlineMs) {
      this.close({ code: "handshake-timeout", message: `no handshake in ${HANDSHAKE_MS_MAX} ms` });
    }
  }

  async finish(): Promise<void> {
    this.#socket.destroy();
  }

  close(fault: { code: string; message: string }): void {
    this.#end(fault);
    this.#socket.destroy();
  }

  #leave(): void {
    this.#socket.off("data", this.#onData);
    this.#socket.off("close", this.#onClose);
    this.#socket.off("error", this.#onError);
  }

  #end(fault: { code: string; message: string } | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#events.closed(this, fault, "");
  }
}
