/**
 * Who may see what the admin server serves. Sans-IO: what a request says of itself goes in, a decision comes out. It knows no sockets, no files
 * and no content.
 *
 * A page with captured traffic on a loopback address is open to every program and every web page of this machine. So: a token in the
 * address, which its first use consumes; from then on a cookie that only our own page sends; names that an attacker's
 * DNS could point here are refused; what other pages ask for is refused before anything is looked at.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { isIP } from "node:net";

/** What is looked at of a request. */
export interface RequestFacts {
  readonly method: string;
  /** As in the request line: path and query. */
  readonly target: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly cookie: string | undefined;
  readonly authorization: string | undefined;
  readonly fetchSite: string | undefined;
  readonly fetchMode: string | undefined;
  readonly fetchDest: string | undefined;
}

export type Decision =
  | {
      readonly kind: "refused";
      readonly status: 400 | 401 | 403 | 405;
      readonly why: string;
      /** What a client may send to be let in. */
      readonly challenge?: string;
    }
  /** The token was right: tell the browser its secret, and lead it to an address without the token. */
  | { readonly kind: "entered"; readonly setCookie: string }
  | { readonly kind: "passed" };

export interface AccessOptions {
  /** Names beside IP addresses and localhost by which the page may be asked for, in lower case. */
  readonly hosts: readonly string[];
  readonly secure: boolean;
  /** What tools send with each request; undefined when they need none. */
  readonly bearer: string | undefined;
  /** The port in the cookie's name: cookies know no ports, and two servers of one machine must not log each other out. */
  readonly port: number;
  /** Random bytes. */
  readonly random: (bytes: number) => Uint8Array;
  /** The token was used, or none was there yet: whoever tells people the address tells them the new one. */
  readonly onToken: (token: string) => void;
}

const SECRET_BYTES = 32;
/** Browsers that may be inside at once; the one that came first goes. */
const BROWSERS_MAX = 64;
const COOKIE_CHARS_MAX = 4096;
const AUTHORIZATION_CHARS_MAX = 4096;

const NO_BEARER = "send the token of --admin-token (Authorization: Bearer TOKEN)\n";
const NO_ENTRY =
  "this page wants the address that mirrorball printed, which works once, or the one in --page-token-file\n";

export class Access {
  readonly #options: AccessOptions;
  readonly #cookieName: string;
  /** Digests of the secrets of those inside: a comparison of digests tells nothing by its time. */
  readonly #inside: Buffer[] = [];
  readonly #bearer: Buffer | undefined;
  #token: Buffer = Buffer.alloc(0);

  constructor(options: AccessOptions) {
    this.#options = options;
    this.#cookieName = `mirrorball-${options.port}`;
    this.#bearer = options.bearer === undefined ? undefined : digestOf(options.bearer);
    this.#renewToken();
  }

  /** For what anybody on the address may see, such as counters: no token, but no foreign page either. */
  decideOpen(facts: RequestFacts): Decision {
    return this.#judgeOrigin(facts) ?? { kind: "passed" };
  }

  /**
   * For metrics and counters. The tools' token is proof enough, by whatever name they ask: no foreign page has it. Who sees the traffic may see
   * these, too.
   */
  decideBearer(facts: RequestFacts): Decision {
    if (this.#bearer === undefined) return this.decideOpen(facts);
    const shown = bearerIn(facts);
    const isRead = facts.method === "GET" || facts.method === "HEAD";
    if (isRead && shown !== undefined && isSame(digestOf(shown), this.#bearer)) {
      return { kind: "passed" };
    }
    const refusal = this.#judgeOrigin(facts);
    if (refusal !== undefined) return refusal;
    if (this.#isInside(facts.cookie)) return { kind: "passed" };
    return { kind: "refused", status: 401, why: NO_BEARER, challenge: "Bearer" };
  }

  decide(facts: RequestFacts): Decision {
    const refusal = this.#judgeOrigin(facts);
    if (refusal !== undefined) return refusal;
    const token = tokenIn(facts);
    if (token !== undefined) return this.#enter(token);
    if (!this.#isInside(facts.cookie)) return { kind: "refused", status: 401, why: NO_ENTRY };
    return { kind: "passed" };
  }

  #judgeOrigin(facts: RequestFacts): Decision | undefined {
    const { host, method } = facts;
    if (host === undefined || !this.#isOurName(host)) {
      return refused(403, "the Host field must be an IP address, localhost or a name of --page-host or --admin-host\n"); // prettier-ignore
    }
    const isRead = method === "GET" || method === "HEAD";
    if (!isRead && method !== "POST") return refused(405, "GET and POST are served here\n");
    return isForeign(facts, this.#options.secure)
      ? refused(403, "only this page itself may ask for that\n")
      : undefined;
  }

  #isOurName(host: string): boolean {
    const name = host
      .toLowerCase()
      .replace(/:\d{1,5}$/, "")
      .replace(/^\[|\]$/g, "");
    return name === "localhost" || isIP(name) !== 0 || this.#options.hosts.includes(name);
  }

  #enter(token: string): Decision {
    if (!isSame(digestOf(token), this.#token)) {
      return { kind: "refused", status: 401, why: NO_ENTRY };
    }
    this.#renewToken();
    const secret = this.#secret();
    this.#inside.push(digestOf(secret));
    if (this.#inside.length > BROWSERS_MAX) this.#inside.shift();
    const secure = this.#options.secure ? "; Secure" : "";
    return {
      kind: "entered",
      setCookie: `${this.#cookieName}=${secret}; HttpOnly; SameSite=Strict; Path=/${secure}`,
    };
  }

  #isInside(cookie: string | undefined): boolean {
    if (cookie === undefined || cookie.length > COOKIE_CHARS_MAX) return false;
    for (const part of cookie.split(";")) {
      const [name = "", value = ""] = part.trim().split("=", 2);
      if (name !== this.#cookieName) continue;
      const digest = digestOf(value);
      // All of them, so that the time says nothing of which.
      if (this.#inside.filter((each) => isSame(each, digest)).length > 0) return true;
    }
    return false;
  }

  #renewToken(): void {
    const token = this.#secret();
    this.#token = digestOf(token);
    this.#options.onToken(token);
  }

  #secret(): string {
    return Buffer.from(this.#options.random(SECRET_BYTES)).toString("base64url");
  }
}

function refused(status: 400 | 401 | 403 | 405, why: string): Decision {
  return { kind: "refused", status, why };
}

/**
 * True when another page is behind the request. A person who follows a link to us is none (a navigation of a whole window): without
 * the cookie, which such a request does not carry, it shows nothing.
 */
function isForeign(facts: RequestFacts, secure: boolean): boolean {
  const { method, host, origin, fetchSite, fetchMode, fetchDest } = facts;
  const isOwnSite = fetchSite === "same-origin" || fetchSite === "none";
  if (fetchSite !== undefined && !isOwnSite) {
    const isNavigation = method === "GET" && fetchMode === "navigate" && fetchDest === "document";
    if (!isNavigation) return true;
  }
  if (origin !== undefined) return origin !== `${secure ? "https" : "http"}://${host ?? ""}`;
  // Who changes something has to say where it comes from.
  return method === "POST" && fetchSite !== "same-origin";
}

function tokenIn({ method, target }: RequestFacts): string | undefined {
  return method === "GET" ? /^\/\?token=([\w-]{1,100})$/.exec(target)?.[1] : undefined;
}

function bearerIn({ authorization }: RequestFacts): string | undefined {
  if (authorization === undefined || authorization.length > AUTHORIZATION_CHARS_MAX)
    return undefined;
  return /^bearer +(\S.*)$/i.exec(authorization)?.[1];
}

function digestOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function isSame(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
