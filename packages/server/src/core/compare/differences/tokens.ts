/**
 * Two texts cut into tokens at the same places, so that an id or a time inside a link or a sentence is compared as what it is. In: two
 * texts. Out: the pairs of tokens that differ, or undefined when the texts are not alike in between.
 */

export interface TokenPair {
  readonly a: string;
  readonly b: string;
}

/** Texts longer than this are compared as one. */
const TEXT_CHARS_MAX = 16_384;

// Times hold separators of their own, so they come first. Each alternative is of bounded length or one class of characters.
const TOKEN =
  /\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT|[^\s,;:/?&="'()<>[\]{}|#@\\]+|[\s\S]/g;

export function tokenPairs(a: string, b: string): readonly TokenPair[] | undefined {
  if (a.length > TEXT_CHARS_MAX || b.length > TEXT_CHARS_MAX) return undefined;
  const left = a.match(TOKEN) ?? [];
  const right = b.match(TOKEN) ?? [];
  if (left.length !== right.length) return undefined;
  const pairs: TokenPair[] = [];
  for (const [i, token] of left.entries()) {
    const other = right[i] ?? "";
    if (token === other) continue;
    if (token.length === 1 && isSeparator(token)) return undefined;
    if (other.length === 1 && isSeparator(other)) return undefined;
    pairs.push({ a: token, b: other });
  }
  return pairs;
}

function isSeparator(char: string): boolean {
  return /[\s,;:/?&="'()<>[\]{}|#@\\]/.test(char);
}

/** The same text with the tokens that differ left out: a name for what surrounds them. `*` stands for the one at `at` of those, `…` for others. */
export function shapeOf(a: string, b: string, at: number): string {
  const left = a.slice(0, TEXT_CHARS_MAX).match(TOKEN) ?? [];
  const right = b.slice(0, TEXT_CHARS_MAX).match(TOKEN) ?? [];
  let differing = -1;
  const parts = left.map((token, i) => {
    if (token === right[i]) return token;
    differing += 1;
    return differing === at ? "*" : "…";
  });
  return parts.join("");
}
