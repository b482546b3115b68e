/**
 * Texts that are kept longer than what they were cut from. In: a text. Out: the same text with memory of its own.
 *
 * V8 makes a cut of thirteen characters or more a view of the whole: one kept token would keep the page it stood on.
 */

/** Shorter cuts are copied by V8 itself. */
const VIEW_CHARS_MIN = 13;
// oxlint-disable-next-line no-control-regex -- all that Latin-1 holds
const LATIN1 = /^[\u0000-\u00ff]*$/;

export function ownText(text: string): string {
  if (text.length < VIEW_CHARS_MIN) return text;
  const encoding = LATIN1.test(text) ? "latin1" : "utf16le";
  return Buffer.from(text, encoding).toString(encoding);
}
