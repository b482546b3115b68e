/** The parts of a request target or URL, cut at the first character that ends them. In and out: strings. */

/** What stands before query and fragment. */
export function withoutQuery(target: string): string {
  const withoutHash = withoutFragment(target);
  const query = withoutHash.indexOf("?");
  return query < 0 ? withoutHash : withoutHash.slice(0, query);
}

export function withoutFragment(target: string): string {
  const hash = target.indexOf("#");
  return hash < 0 ? target : target.slice(0, hash);
}
