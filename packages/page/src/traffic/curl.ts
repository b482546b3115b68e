/** A request as a command for curl. Pure. In: a request for reading. Out: one command, quoted for a POSIX shell whatever was captured. */
import type { Page } from "@mirrorball/server";

/** curl makes them itself, and rightly. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  "host",
  "content-length",
  "connection",
  "transfer-encoding",
]);
/** Undone already in the text of a body. */
const OF_CODED_BODY = "content-encoding";

export function curlOf({ start, fields, body }: Page.Side): string {
  const [method = "GET", target = "/"] = start.split(" ");
  const host = fields.find(([name]) => name.toLowerCase() === "host")?.[1] ?? "localhost";
  const url = /^[a-z]+:\/\//i.test(target) ? target : `http://${host}${target}`;
  const words = ["curl", "-X", quoted(method), quoted(url)];
  for (const [name, value] of fields) {
    const lower = name.toLowerCase();
    if (LEFT_OUT.has(lower) || lower === OF_CODED_BODY) continue;
    // A field without a value is written with a semicolon, or curl leaves it out.
    words.push("-H", quoted(value === "" ? `${name};` : `${name}: ${value}`));
  }
  if (body.text !== null && body.text !== "") words.push("--data-raw", quoted(body.text));
  else if (body.length > 0) words.push("--data-binary", "@body.bin");
  return words.join(" ");
}

function quoted(text: string): string {
  return /^[\w./:=?&%+,-]+$/.test(text) && !/[?&]/.test(text)
    ? text
    : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
