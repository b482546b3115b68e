/** What ties a proof to a TLS channel. In: a socket. Out: keying material that both of its ends, and nobody between them, can derive. */
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { CHANNEL_BINDING_BYTES, CHANNEL_BINDING_LABEL } from "@mirrorball/protocol";

/** Undefined on a channel that is not TLS at this end. */
export function channelBinding(socket: Socket | undefined): Uint8Array | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  return socket.exportKeyingMaterial(CHANNEL_BINDING_BYTES, CHANNEL_BINDING_LABEL, NO_CONTEXT);
}

const NO_CONTEXT = Buffer.alloc(0);
