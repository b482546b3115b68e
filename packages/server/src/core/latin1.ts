/** Texts in which a character is a byte, as HTTP heads are read, and texts of people, which are UTF-8 on the wire. */

// oxlint-disable-next-line no-control-regex -- all of ASCII
const ASCII = /^[\u0000-\u007f]*$/;

/** True when both readings of the text are the same. */
export function isAscii(text: string): boolean {
  return ASCII.test(text);
}

/** The text's UTF-8 bytes, one a character: what it looks like in a head. */
export function latin1FromUtf8(text: string): string {
  return isAscii(text) ? text : Buffer.from(text, "utf8").toString("latin1");
}

/** A head's text read as UTF-8; bytes that are none become U+FFFD. */
export function utf8FromLatin1(text: string): string {
  return isAscii(text) ? text : Buffer.from(text, "latin1").toString("utf8");
}
