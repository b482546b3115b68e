/**
 * An http address as people write it: text to URL, or to the one rule that it breaks in words that say what to do. For every
 * option that takes one. Pure; opens and resolves nothing.
 */
import { unfitText } from "./address.ts";
import { Refusal } from "../option.ts";

const PORT_MAX = 65_535;

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** `rule` is said of what is wrong in no way that has words of its own. `staging:8080` means http. */
export function parseHttpUrl(text: string, rule: Refusal): URL | Refusal {
  const unfit = unfitText(text) ?? unfitScheme(text);
  if (unfit !== undefined) return unfit;
  const withScheme = hasScheme(text) ? text : `http://${text}`;
  const port = /:(\d+)$/.exec(authorityOf(withScheme))?.[1];
  if (port !== undefined && (Number(port) === 0 || Number(port) > PORT_MAX)) {
    return new Refusal(`the port must be between 1 and ${PORT_MAX}`);
  }
  if (!URL.canParse(withScheme)) return rule;
  const url = new URL(withScheme);
  if ((url.protocol !== "http:" && url.protocol !== "https:") || url.hostname === "") return rule;
  if (url.hostname.includes("*")) {
    return new Refusal("a host to connect to must be named; * is none");
  }
  if (withScheme.includes("#")) {
    return new Refusal("what follows a # is never sent to a server; in a password write %23");
  }
  const credentials = credentialsOf(url);
  return credentials instanceof Refusal ? credentials : url;
}

/** User and password, decoded; undefined when there are none. */
export function credentialsOf(url: URL): Credentials | Refusal | undefined {
  if (url.username === "" && url.password === "") return undefined;
  try {
    return {
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
    };
  } catch {
    return new Refusal("a % in a user name or password must be written %25");
  }
}

/** The value of an Authorization field for `parseHttpUrl`'s result; undefined without user and password. */
export function basicAuthorization(url: URL): string | undefined {
  const credentials = credentialsOf(url);
  if (credentials === undefined || credentials instanceof Refusal) return undefined;
  const { user, password } = credentials;
  return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
}

function unfitScheme(text: string): Refusal | undefined {
  const [front = "", scheme = "", slashes = ""] = /^(https?):(\/*)/i.exec(text) ?? [];
  const rest = front === "" ? "" : text.slice(front.length);
  // `http:8080` is the port of a host of that name, as Docker has them.
  if (scheme === "" || slashes.length === 2 || (slashes === "" && /^\d+(?:\/|$)/.test(rest))) {
    return undefined;
  }
  return new Refusal(`two slashes belong behind ${scheme}: as in ${scheme}://staging:8080`);
}

function hasScheme(text: string): boolean {
  return /^[a-z][a-z\d+.-]*:\/\//i.test(text);
}

/** `host:port`, without the user. */
function authorityOf(withScheme: string): string {
  const whole = /^[^:]+:\/\/([^/?#]*)/.exec(withScheme)?.[1] ?? "";
  return whole.slice(whole.lastIndexOf("@") + 1);
}
