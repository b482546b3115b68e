// Certificates of all kinds, made by openssl when they are needed.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** An authority in `directory` that signs what is asked for. */
export class Authority {
  readonly cert: string;
  readonly #key: string;
  readonly #directory: string;
  readonly #name: string;
  #serial = 0;

  constructor(directory: string, name: string) {
    this.#directory = directory;
    this.#name = name;
    this.cert = join(directory, `${name}.pem`);
    this.#key = join(directory, `${name}.key`);
    const own = ["-keyout", this.#key, "-out", this.cert, "-subj", `/CN=${name}`];
    openssl("req", "-x509", ...NEW_KEY, "-days", "2", ...own);
  }

  /** Files of a certificate for `address`, which may be a name; with `days` below 0 it is expired already. */
  issue(address: string, days = 2): Pair {
    this.#serial += 1;
    const base = join(this.#directory, `${this.#name}-${this.#serial}`);
    const cert = `${base}.pem`;
    const key = `${base}.key`;
    const request = `${base}.csr`;
    const extensions = `${base}.ext`;
    writeFileSync(extensions, `subjectAltName=${isIP(address) === 0 ? "DNS" : "IP"}:${address}\n`);
    openssl("req", ...NEW_KEY, "-keyout", key, "-out", request, "-subj", `/CN=${address}`);
    const signer = ["-CA", this.cert, "-CAkey", this.#key, "-set_serial", String(this.#serial)];
    const term = ["-days", String(days), "-extfile", extensions];
    openssl("x509", "-req", "-in", request, "-out", cert, ...signer, ...term);
    return { cert, key };
  }
}

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

function openssl(...words: string[]): void {
  execFileSync("openssl", words, { stdio: "ignore" });
}
