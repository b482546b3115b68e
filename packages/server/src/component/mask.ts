/** Addresses as they may be shown: without user and password, also where they are so malformed that nobody can tell their parts. Pure. */

/** Everything up to the last `@` is taken for a secret when a colon stands before it. */
export function withoutUserinfo(text: string): string {
  const at = text.lastIndexOf("@");
  const start = /^["'`]?(?:[a-z][a-z\d+.-]*:\/{1,3})?/i.exec(text)?.[0].length ?? 0;
  if (at < start || !text.slice(start, at).includes(":")) return text;
  return `${text.slice(0, start)}***@${text.slice(at + 1)}`;
}
