/**
 * The certificate that a listener of ours shows, and whose certificates it wants to see. In: names of files, and how the flags that gave them begin.
 * Out: options for a TLS server, or an error that names the flag and the file.
 */
import { readFileSync } from "node:fs";
import { constants } from "node:crypto";
import type { TlsOptions } from "node:tls";
import { fileError } from "./file-error.ts";

export interface ServerTlsFiles {
  readonly secure: boolean;
  readonly certificate: string;
  readonly certificateKey: string;
  readonly clientCa: string;
}

/** `flag`: `--input-tcp`. Undefined when TLS was not asked for. Peers without a right certificate get as far as to be told so. */
export function readServerTls(flag: string, files: ServerTlsFiles): TlsOptions | undefined {
  const { secure, certificate, certificateKey, clientCa } = files;
  if (!secure) {
    if (clientCa !== "") throw new Error(`${flag}-client-ca needs ${flag}-secure`);
    return undefined;
  }
  const pem = (name: string, path: string): Buffer => readPem(flag, `${flag}-${name}`, path);
  const own = {
    cert: pem("certificate", certificate),
    key: pem("certificate-key", certificateKey),
    // Without tickets each connection shows its certificate anew, to the authority of now.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
  return clientCa === ""
    ? own
    : { ...own, ca: pem("client-ca", clientCa), requestCert: true, rejectUnauthorized: false };
}

function readPem(flag: string, flagName: string, path: string): Buffer {
  if (path === "") throw new Error(`${flag}-secure needs ${flagName} FILE`);
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Error(`${flagName}: ${fileError("read", path, error).message}`, { cause: error });
  }
}
