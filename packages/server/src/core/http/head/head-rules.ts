/**
 * What may stand in an HTTP head, in one place for all that make heads from texts: names, values, targets. Pure. In: texts. Out: whether
 * they may, or the text that may. A head is bytes, so a text of it has one character a byte: what is above U+00FF must not come
 * near one, as it would lose its upper half on the way and could become a line end.
 */
import { FIELD, TOKEN } from "./bytes.ts";

/** A method or the name of a field (RFC 9110 5.6.2). */
export function isToken(text: string): boolean {
  return text.length > 0 && consistsOf(text, TOKEN);
}

/** The value of a field, or a reason phrase (RFC 9110 5.5): no line ends, nothing beyond a byte. */
export function isFieldValue(text: string): boolean {
  return consistsOf(text, FIELD);
}

/** A request target: visible, and no blank in it. */
export function isTarget(text: string): boolean {
  return text.length > 0 && consistsOf(text, VISIBLE);
}

/** Bytes of a head that are not looked at any closer. */
export function isBytes(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) if (text.charCodeAt(i) > 0xff) return false;
  return true;
}

/** The nearest text that may be a value: UTF-8 when there are characters beyond a byte, blanks for control characters. */
export function toFieldValue(text: string): string {
  if (isFieldValue(text)) return text;
  const bytes = isBytes(text) ? text : Buffer.from(text, "utf8").toString("latin1");
  let value = "";
  for (let i = 0; i < bytes.length; i += 1) {
    const code = bytes.charCodeAt(i);
    const last = value.charCodeAt(value.length - 1);
    // A line end of two characters is one blank.
    if (FIELD[code] === 1) value += bytes.charAt(i);
    else if (last !== 0x20) value += " ";
  }
  return value;
}

/** The nearest text that may be a target: percent-encoded as UTF-8 where it is not ASCII and visible. */
export function toTarget(text: string): string {
  let target = "";
  for (const byte of Buffer.from(text, "utf8")) {
    const isPlain = byte > 0x20 && byte < 0x7f;
    target += isPlain
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return target;
}

const VISIBLE: Uint8Array = FIELD.slice();
VISIBLE[0x20] = 0;
VISIBLE[0x09] = 0;

function consistsOf(text: string, allowed: Uint8Array): boolean {
  for (let i = 0; i < text.length; i += 1) if (allowed[text.charCodeAt(i)] !== 1) return false;
  return true;
}
