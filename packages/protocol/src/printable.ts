/** Text for a line of log. In: anything a peer may have chosen. Out: one line that a terminal shows as it is. */

/** Control characters, line ends of all kinds, and characters that turn the direction of writing or show nothing. */
const UNSAFE =
  // oxlint-disable-next-line no-control-regex -- they are what this replaces
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

export function printable(text: string): string {
  return text.replace(UNSAFE, "?");
}
