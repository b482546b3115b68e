/**
 * Who may come in at a listener: how many, how many from one address, and, with TLS, who has shown the right certificate in
 * time. In: accepted sockets. Out: sockets to speak on, and refusals with their reasons. Knows nothing of what is spoken.
 */
import type { Socket } from "node:net";
import { createServer } from "node:tls";
import type { Server, TLSSocket } from "node:tls";
import type { Fault } from "@mirrorball/protocol";
import { readServerTls } from "../../files/server-tls.ts";
import type { ServerTlsFiles } from "../../files/server-tls.ts";
import { LINGER_MS, destroyLater } from "./peer.ts";

/** Milliseconds for a TLS handshake: several round trips of a slow peer, no more. */
const TLS_HANDSHAKE_MS_MAX = 5000;

export interface AdmissionOptions extends ServerTlsFiles {
  readonly connections: number;
  readonly connectionsPerAddress: number;
}

export interface AdmissionEvents {
  readonly admitted: (socket: Socket) => void;
  readonly refused: (fault: Fault, peer: string) => void;
  /** What to say to somebody who came by TLS and is turned away, in the words of whatever is spoken here. */
  readonly rejectionFrame: (fault: Fault) => Uint8Array;
}

export class AdmissionControl {
  readonly #options: AdmissionOptions;
  readonly #events: AdmissionEvents;
  readonly #tls: Server | undefined;
  readonly #sockets: Set<Socket> = new Set();
  readonly #byAddress: Map<string, number> = new Map();
  /** Sockets whose handshake is under way, by the names of their peers; those of Unix sockets have none. */
  readonly #pendingHandshakes: Map<string, Socket> = new Map();

  /** Throws an error that names the flag and the file. */
  constructor(options: AdmissionOptions, events: AdmissionEvents) {
    this.#options = options;
    this.#events = events;
    const tls = readServerTls("--input-tcp", options);
    if (tls === undefined) return;
    this.#tls = createServer({ ...tls, handshakeTimeout: TLS_HANDSHAKE_MS_MAX });
    this.#tls.on("secureConnection", (socket) => this.#verifyClient(socket));
    this.#tls.on("tlsClientError", ({ message }, { remoteAddress, remotePort }) => {
      events.refused({ code: "tls", message }, nameOf({ remoteAddress, remotePort }));
    });
  }

  accept(socket: Socket): void {
    const address = socket.remoteAddress ?? "unix";
    const here = this.#byAddress.get(address) ?? 0;
    const { connections, connectionsPerAddress } = this.#options;
    if (this.#sockets.size >= connections) {
      this.#refuse(socket, "connections", `${connections} connections are open already`);
      return;
    }
    if (here >= connectionsPerAddress) {
      const message = `${here} connections of this address are open already`;
      this.#refuse(socket, "connections-of-address", message);
      return;
    }
    this.#sockets.add(socket);
    this.#byAddress.set(address, here + 1);
    const name = nameOf(socket);
    socket.once("close", () => this.#leave(socket, address, name));
    if (this.#tls === undefined) {
      this.#events.admitted(socket);
      return;
    }
    if (socket.remoteAddress !== undefined) this.#pendingHandshakes.set(name, socket);
    this.#tls.emit("connection", socket);
  }

  /** Reads certificates and keys again; connections that are open stay as they are. Throws when a file is no good. */
  reload(): void {
    const tls = readServerTls("--input-tcp", this.#options);
    if (tls !== undefined) this.#tls?.setSecureContext(tls);
  }

  /** Ends the handshakes that are under way. */
  close(): void {
    for (const socket of this.#pendingHandshakes.values()) socket.destroy();
  }

  /** Those inside have been told that it is over: whoever is still here when they have had time to read it, is put out. */
  end(): void {
    setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, LINGER_MS).unref();
  }

  /** Our own look instead of the library's, which tells nobody why it closes. */
  #verifyClient(socket: TLSSocket): void {
    if (this.#options.clientCa === "" || socket.authorized) {
      this.#pendingHandshakes.delete(nameOf(socket));
      this.#events.admitted(socket);
      return;
    }
    const presented = Object.keys(socket.getPeerCertificate()).length > 0;
    const why = presented
      ? `its certificate was refused: ${String(socket.authorizationError)}`
      : "it presented no certificate";
    const told = presented
      ? `this server refuses the certificate that was shown: ${String(socket.authorizationError)}`
      : "this server asks for a client certificate, and none was shown";
    // TLS itself tells a client nothing: for it the handshake was over before its certificate was looked at.
    const words = this.#events.rejectionFrame({ code: "client-certificate", message: told });
    socket.resume().end(words);
    destroyLater(socket);
    socket.on("error", () => {});
    this.#events.refused({ code: "client-certificate", message: why }, nameOf(socket));
  }

  #refuse(socket: Socket, code: string, message: string): void {
    const peer = nameOf(socket);
    socket.on("error", () => {});
    socket.destroy();
    this.#events.refused({ code, message }, peer);
  }

  #leave(socket: Socket, address: string, name: string): void {
    this.#sockets.delete(socket);
    if (this.#pendingHandshakes.get(name) === socket) this.#pendingHandshakes.delete(name);
    const left = (this.#byAddress.get(address) ?? 1) - 1;
    if (left === 0) this.#byAddress.delete(address);
    else this.#byAddress.set(address, left);
  }
}

function nameOf({
  remoteAddress,
  remotePort,
}: Pick<Socket, "remoteAddress" | "remotePort">): string {
  return remoteAddress === undefined ? "a client" : `${remoteAddress}:${remotePort}`;
}
