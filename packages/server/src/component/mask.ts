/**
 * How values are shown to people: in errors, by `check`, in logs, names of outputs, the summary and on the counters page. In: a value as
 * it was written. Out: the same without what proves who somebody is. Shows too little rather than too much.
 */

/** Stands in place of what is not shown. */
export const MASK = "***";

/** Names behind which a credential may stand: of header fields and parameters. */
const CREDENTIAL =
  /auth|cookie|token|secret|key|passw|pwd|credential|session|sig|jwt|csrf|saml|code/i;

/** What has no name is shown only when it is shorter than secrets are. */
const SHORT_CHARS_MAX = 7;

/** What people write in front of a host. */
const SCHEME = /^["'`“‘]?(?:[a-z][a-z\d+.-]*:\/\/|https?:\/{0,3})?/i;

/** The credentials of a URL or an address, `user:password@host`, wherever they end: `user:***@host`. */
export function maskUserinfo(text: string): string {
  const scheme = SCHEME.exec(text)?.[0] ?? "";
  const rest = text.slice(scheme.length);
  const at = endOfUserinfo(rest);
  if (at < 0) return text;
  const colon = rest.slice(0, at).indexOf(":");
  // Of a URL a name without a password is often a token; elsewhere it is a part of a file's name.
  if (colon < 0 && !scheme.includes(":")) return text;
  return `${scheme}${rest.slice(0, colon + 1)}${MASK}${rest.slice(at)}`;
}

/** `NAME: VALUE` or `NAME=VALUE`: the value, where the name says what it is. */
export function maskNamed(text: string): string {
  const at = text.search(/[:=]/);
  if (at < 0) return text.length > SHORT_CHARS_MAX || CREDENTIAL.test(text) ? MASK : text;
  const name = text.slice(0, at);
  if (!CREDENTIAL.test(name)) return maskUserinfo(text);
  const blank = text[at + 1] === " " ? " " : "";
  return `${name}${text[at] ?? ""}${blank}${MASK}`;
}

/** A command: its program, not what it is given. */
export function maskArguments(text: string): string {
  const end = text.trimStart().search(/\s/);
  return end < 0 ? text : `${text.trimStart().slice(0, end)} ${MASK}`;
}

/** Where the `@` stands that ends credentials, below 0 without any. */
function endOfUserinfo(text: string): number {
  const last = text.lastIndexOf("@");
  const end = text.search(/[/?#]/);
  // Behind a slash it is one of the path, unless what is in front may be a user whose password has a slash in it.
  return end < 0 || last < end || /[:@]/.test(text.slice(0, end)) ? last : -1;
}
