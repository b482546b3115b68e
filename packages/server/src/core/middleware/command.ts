/**
 * `--middleware "CMD args"`: text to words, with the quotes and backslashes of a shell and nothing else of it: no
 * variables, no wildcards, no pipes. In: text. Out: words, or the rule it breaks.
 */

export type Split = { readonly args: readonly string[] } | { readonly rule: string };

const BLANK = /\s/;
/** What a backslash takes its meaning from inside double quotes (POSIX 2.2.3). */
const ESCAPED_IN_QUOTES = new Set(['"', "\\", "$", "`", "\n"]);

export function splitCommand(text: string): Split {
  const args: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let i = 0; i < text.length; i += 1) {
    const letter = text.charAt(i);
    if (quote === "'") {
      if (letter === quote) quote = "";
      else word = (word ?? "") + letter;
    } else if (letter === "\\") {
      const next = text.charAt(i + 1);
      if (next === "") return { rule: "must not end in a backslash" };
      const literal = quote === '"' && !ESCAPED_IN_QUOTES.has(next);
      word = (word ?? "") + (literal ? letter + next : next);
      i += 1;
    } else if (letter === quote) {
      quote = "";
    } else if (quote === "" && (letter === "'" || letter === '"')) {
      quote = letter;
      word ??= "";
    } else if (quote === "" && BLANK.test(letter)) {
      if (word !== undefined) args.push(word);
      word = undefined;
    } else {
      word = (word ?? "") + letter;
    }
  }
  if (quote !== "") return { rule: `must close its quote ${quote}` };
  if (word !== undefined) args.push(word);
  const [program = ""] = args;
  return program === "" ? { rule: "must be a command or a plugin file" } : { args };
}
