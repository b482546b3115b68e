/** Bytes as people read them: offset, sixteen values, what is text of them. Pure. */

const BYTES_A_LINE = 16;

export function hexLines(bytes: Uint8Array): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += BYTES_A_LINE) {
    const part = bytes.subarray(at, at + BYTES_A_LINE);
    let [hex, text] = ["", ""];
    for (const byte of part) {
      hex += `${byte.toString(16).padStart(2, "0")} `;
      text += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".";
    }
    lines.push(`${at.toString(16).padStart(6, "0")}  ${hex.padEnd(BYTES_A_LINE * 3)} ${text}`);
  }
  return lines;
}
