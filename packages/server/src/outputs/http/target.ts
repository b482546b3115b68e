/** The address of `--output-http`: text to target, with gor's rules for scheme, path and user. Pure. */
import { Refusal } from "../../component/option.ts";

export interface Target {
  /** `http://staging:8080` */
  readonly origin: string;
  /** `staging:8080`, for the Host field. */
  readonly host: string;
  /** When set, every request goes to exactly this path and query (gor ≥ 1.3); otherwise the recorded one is kept. */
  readonly fixedPath: string | undefined;
  /** Replaces the recorded Authorization, as the README of gor 0.1x promised. */
  readonly authorization: string | undefined;
}

const RULE = new Refusal("must be an http or https URL such as http://staging:8080");

/** `staging:8080` and `staging.com` mean http, as in old gor. */
export function parseTarget(text: string): Target | Refusal {
  const withScheme = /^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  if (/[\s|]/.test(text) || !URL.canParse(withScheme)) return RULE;
  const url = new URL(withScheme);
  if ((url.protocol !== "http:" && url.protocol !== "https:") || url.hostname === "") return RULE;
  const path = `${url.pathname}${url.search}`;
  // URL adds a slash to a bare origin; only one that was typed is a path of its own.
  const fixed = path !== "/" || /^[^?#]*[^/]\/$/.test(withScheme);
  const user = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return {
    origin: url.origin,
    host: url.host,
    fixedPath: fixed ? path : undefined,
    authorization: user === ":" ? undefined : `Basic ${Buffer.from(user).toString("base64")}`,
  };
}
