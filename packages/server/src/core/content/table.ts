/**
 * Comma-separated values (RFC 4180) as rows of named cells, so that a column is a place of its own. In: text. Out: an array of objects, or
 * undefined when the text has no head line of distinct names or is too large. Semicolons and tabs separate as well as commas.
 */
import type { Json } from "./json.ts";

const SEPARATORS = [",", ";", "\t"];
const ROWS_MAX = 20_000;
const COLUMNS_MAX = 500;

export function tableOf(text: string): Json | undefined {
  const separator = separatorOf(text);
  if (separator === undefined) return undefined;
  const rows = rowsOf(text, separator);
  const names = rows?.[0];
  if (rows === undefined || names === undefined || names.length > COLUMNS_MAX) return undefined;
  if (new Set(names).size !== names.length || names.some(isNoName)) return undefined;
  return rows.slice(1).map((cells) => {
    const row: Record<string, Json> = {};
    for (const [i, cell] of cells.entries()) row[names[i] ?? `column ${i + 1}`] = cell;
    return row;
  });
}

function isNoName(text: string): boolean {
  return text === "" || text === "__proto__" || /^[\d.,-]+$/.test(text);
}

/** The one that the head line has most of. */
function separatorOf(text: string): string | undefined {
  const end = text.indexOf("\n");
  const head = end < 0 ? text : text.slice(0, end);
  let [best, most] = [undefined as string | undefined, 0];
  for (const separator of SEPARATORS) {
    const count = head.split(separator).length - 1;
    if (count > most) [best, most] = [separator, count];
  }
  return best;
}

/** Undefined when a quote is never closed, or there are too many rows. */
function rowsOf(text: string, separator: string): string[][] | undefined {
  const rows: string[][] = [];
  let at = 0;
  while (at < text.length) {
    if (rows.length > ROWS_MAX) return undefined;
    const cells: string[] = [];
    let isEnd = false;
    while (!isEnd) {
      const cell = cellAt(text, at, separator);
      if (cell === undefined) return undefined;
      cells.push(cell.value);
      at = cell.end;
      isEnd = at >= text.length || text.charAt(at) !== separator;
      if (!isEnd) at += 1;
    }
    if (text.charAt(at) === "\r") at += 1;
    if (text.charAt(at) === "\n") at += 1;
    rows.push(cells);
  }
  return rows;
}

/** The cell that begins at `at`, and where what ends it stands. */
function cellAt(
  text: string,
  at: number,
  separator: string,
): { value: string; end: number } | undefined {
  let end = at;
  let value = "";
  if (text.charAt(at) === '"') {
    end = at + 1;
    for (;;) {
      const quote = text.indexOf('"', end);
      if (quote < 0) return undefined;
      value += text.slice(end, quote);
      end = quote + 1;
      if (text.charAt(end) !== '"') break;
      value += '"';
      end += 1;
    }
  }
  const start = end;
  while (end < text.length && !isCellEnd(text, end, separator)) end += 1;
  return { value: value + text.slice(start, end), end };
}

function isCellEnd(text: string, at: number, separator: string): boolean {
  const char = text.charAt(at);
  return char === separator || char === "\n" || (char === "\r" && text.charAt(at + 1) === "\n");
}
