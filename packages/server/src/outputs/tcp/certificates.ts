/**
 * What `--output-tcp` shows and trusts when it connects by TLS: files, read at the start and again when asked. In: names of files.
 * Out: options for `tls.connect`, or an error that names the flag, the file and what is wrong with it. Opens no connection.
 */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { createSecureContext } from "node:tls";
import type { ConnectionOptions } from "node:tls";
import type { Clock, Logger } from "../../component/types.ts";

export interface TlsFiles {
  readonly secure: boolean;
  readonly skipVerify: boolean;
  /** PEM file of the authorities to trust instead of the system's; "" for the system's. */
  readonly ca: string;
  /** PEM files of what to show when the other server asks who we are; "" for nothing. */
  readonly certificate: string;
  readonly certificateKey: string;
}

export class Certificates {
  /** For the next connection; undefined without TLS. */
  options: ConnectionOptions | undefined;
  readonly #files: TlsFiles;
  readonly #host: string;
  readonly #clock: Clock;
  readonly #log: Logger;

  /** Throws an error that names the flag. */
  constructor(files: TlsFiles, host: string, clock: Clock, log: Logger) {
    this.#files = files;
    this.#host = host;
    this.#clock = clock;
    this.#log = log;
    this.options = this.#read();
  }

  /** Reads all files again; the connection that is open stays as it is. Undefined when there is nothing to read. */
  get reload(): (() => void) | undefined {
    const { ca, certificate } = this.#files;
    if (ca === "" && certificate === "") return undefined;
    return () => {
      try {
        this.options = this.#read();
        this.#log.warn("certificates were read again; the next connection uses them");
      } catch (error) {
        this.#log.warn(`certificates stay as they were: ${reasonOf(error)}`);
      }
    };
  }

  #read(): ConnectionOptions | undefined {
    const { secure, skipVerify, ca, certificate, certificateKey } = this.#files;
    if (!secure) {
      for (const [flag, value] of Object.entries({ ca, certificate, certificateKey })) {
        if (value !== "") throw new Error(`${FLAGS[flag]} needs --output-tcp-secure`);
      }
      return undefined;
    }
    if ((certificate === "") !== (certificateKey === "")) {
      const [has, lacks] = certificate === "" ? KEY_FIRST : KEY_FIRST.toReversed();
      throw new Error(`${has} needs ${lacks} FILE`);
    }
    return {
      rejectUnauthorized: !skipVerify,
      // TLS names hosts, never addresses (RFC 6066 3).
      ...(isIP(this.#host) === 0 ? { servername: this.#host } : {}),
      ...(ca === "" ? {} : { ca: readPem("--output-tcp-ca", ca) }),
      ...(certificate === "" ? {} : this.#own(certificate, certificateKey)),
    };
  }

  #own(certificate: string, certificateKey: string): { cert: Buffer; key: Buffer } {
    const cert = readPem("--output-tcp-certificate", certificate);
    const key = readPem("--output-tcp-certificate-key", certificateKey);
    usable({ cert }, `--output-tcp-certificate: ${certificate} is no certificate in PEM`);
    usable({ key }, `--output-tcp-certificate-key: ${certificateKey} is no private key in PEM`);
    usable({ cert, key }, `${certificateKey} is not the private key of ${certificate}`);
    const { validTo } = new X509Certificate(cert);
    if (Date.parse(validTo) < this.#clock.nowUs() / 1000) {
      this.#log.warn(`--output-tcp-certificate: ${certificate} expired on ${validTo}`);
    }
    return { cert, key };
  }
}

const KEY_FIRST = ["--output-tcp-certificate-key", "--output-tcp-certificate"];
const FLAGS: Readonly<Record<string, string>> = {
  ca: "--output-tcp-ca",
  certificate: "--output-tcp-certificate",
  certificateKey: "--output-tcp-certificate-key",
};

function usable(pems: { cert?: Buffer; key?: Buffer }, otherwise: string): void {
  try {
    createSecureContext(pems);
  } catch (error) {
    throw new Error(`${otherwise}: ${reasonOf(error)}`, { cause: error });
  }
}

function readPem(flagName: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Error(`${flagName}: cannot read ${path}: ${reasonOf(error)}`, { cause: error });
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
