/** What `--input-tcp` knows of every accepted socket, whatever is spoken on it. */
import type { Socket } from "node:net";
import type { Fault } from "@mirrorball/protocol";

/** Bytes of a foreign peer's first words shown in the log. */
const FIRST_BYTES_SHOWN = 16;

export interface Peer {
  /** Its address, for the log. */
  readonly peer: string;
  /** Called several times a second: ends what takes too long. */
  tick(nowMs: number): void;
  /** Takes nothing more; resolves when what has come is in the pipeline. */
  finish(): Promise<void>;
  /** Lets `finish` come to its end although something waits for a disk that may never take it. */
  giveUp?(): void;
}

export interface PeerEvents {
  /** The connection is gone; `fault` says why we closed it, if we did. */
  readonly closed: (peer: Peer, fault: Fault | undefined, firstBytes: string) => void;
}

/** What a connection that speaks mirrorball's frames is told to do, and tells of, beside its end. */
export interface FrameEvents extends PeerEvents {
  /** Something of this peer was refused, and it stays. */
  readonly refused: (peer: Peer, fault: Fault) => void;
}

export function nameOf(socket: Socket): string {
  return socket.remoteAddress === undefined
    ? "unix"
    : `${socket.remoteAddress}:${socket.remotePort}`;
}

export function firstBytesOf(chunk: Buffer): string {
  return chunk.toString("latin1", 0, FIRST_BYTES_SHOWN);
}
