/** What `--input-tcp` knows of every accepted socket, whatever is spoken on it. */
import type { Socket } from "node:net";
import type { Fault } from "@mirrorball/protocol";

export interface Peer {
  /** Its address, for the log. */
  readonly peer: string;
  /** Called several times a second: ends what takes too long. */
  tick(nowMs: number): void;
  /** Takes nothing more; resolves when what has come is in the pipeline. */
  finish(): Promise<void>;
  /** Lets `finish` come to its end although something waits for a disk that may never take it. */
  abort?(): void;
}

export interface PeerEvents {
  /** The connection is gone; `fault` says why we closed it, if we did. */
  readonly closed: (peer: Peer, fault: Fault | undefined, speech: string) => void;
}

/** What a connection that speaks mirrorball's frames is told to do, and tells of, beside its end. */
export interface FrameEvents extends PeerEvents {
  /** Something of this peer was refused, and it stays. */
  readonly refused: (peer: Peer, fault: Fault) => void;
}

/** Milliseconds that the other side has to read our last bytes and to end its half of a connection that we end. */
export const LINGER_MS = 1000;

/** Whoever does not read what it is told last holds nothing for that. */
export function destroyLater(socket: Socket): void {
  const impatience = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once("close", () => clearTimeout(impatience));
}

export function nameOf(socket: Socket): string {
  return socket.remoteAddress === undefined
    ? "unix"
    : `${socket.remoteAddress}:${socket.remotePort}`;
}

/** The beginnings that tell what a peer speaks. No words but these get into the log: what came may hold secrets. */
const SPEECHES: readonly (readonly [RegExp, string])[] = [
  // eslint-disable-next-line no-control-regex
  [/^\u0016\u0003/, "TLS; see --input-tcp-secure"],
  [/^PRI \* HTTP\/2/, "HTTP/2; requests are for --input-http, over HTTP/1"],
  [/^[A-Z]{3,10} [/*h]/, "an HTTP request; those are for --input-http"],
  [/^SSH-/, "SSH"],
  [/^[123] [\da-f]+ \d/, "gor's text stream"],
  [/^[\t\n\r\u0020-\u007e]+$/, "text"],
];
const LOOK_BYTES = 16;

/** In words of ours, what the first bytes of a foreign peer look like. */
export function speechOf(chunk: Buffer): string {
  const text = chunk.toString("latin1", 0, LOOK_BYTES);
  return SPEECHES.find(([pattern]) => pattern.test(text))?.[1] ?? "binary data";
}
