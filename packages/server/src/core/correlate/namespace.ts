/**
 * What a short id counts: the `17` of `/accounts/17`, of `{"accountId": 17}` and of `{"accounts": [{"id": 17}]}` are all of "account". In:
 * where a value stands. Out: the name of what it counts, or undefined where nothing says so. Pure.
 *
 * Short values are learned and used only within such a name: 17 is also a price, a page and somebody's age.
 */
import { isIdName } from "../compare/id-names.ts";

/** `accountId`, `account_id`, `accounts`, `account` → `account`; `id` → the name around it; undefined for what names nothing. */
export function namespaceOfMember(name: string, around: string | undefined): string | undefined {
  const words = wordsOf(name);
  const last = words.at(-1);
  if (last === undefined || !isIdName(name)) return undefined;
  const rest = words.slice(0, -1);
  return rest.length === 0 ? around : singular(rest.join(""));
}

/** The same for a member that may be called like the thing itself: `{"account": 17}`. For requests, which use what they were given. */
export function namespaceOfUse(name: string): string | undefined {
  return namespaceOfMember(name, undefined) ?? singular(wordsOf(name).join(""));
}

/** The word in front of a path segment: `accounts` of `/accounts/17`. */
export function namespaceOfSegment(before: string | undefined): string | undefined {
  if (before === undefined || before === "" || /\d/.test(before)) return undefined;
  return singular(wordsOf(before).join(""));
}

/** What the endpoint's own ids count: `order` for `/orders` and for `/orders/17`. */
export function namespaceOfPath(path: string): string | undefined {
  const segments = path.split("/").filter((segment) => segment !== "");
  for (const segment of segments.toReversed()) {
    const namespace = namespaceOfSegment(segment);
    if (namespace !== undefined) return namespace;
  }
  return undefined;
}

/** Around the members of a list or an object: `$.accounts[]` → `account`. */
export function namespaceOfContainer(name: string): string | undefined {
  const words = wordsOf(name);
  return words.length === 0 ? undefined : singular(words.join(""));
}

/** Good enough for names of collections: what matters is that both sides are cut alike. */
export function singular(word: string): string {
  if (word.length > 3 && word.endsWith("ies")) return `${word.slice(0, -3)}y`;
  if (word.length > 4 && /(?:ss|x|ch|sh)es$/.test(word)) return word.slice(0, -2);
  return word.length > 2 && word.endsWith("s") && !word.endsWith("ss") ? word.slice(0, -1) : word;
}

/** The words of a name in small letters; separators and capitals part them. */
export function wordsOf(name: string): string[] {
  const words: string[] = [];
  let word = "";
  let wasLower = false;
  for (const char of name.slice(0, 64)) {
    const isLetter = /[\p{L}\d]/u.test(char);
    const isUpper = isLetter && char !== char.toLowerCase();
    if ((!isLetter || (isUpper && wasLower)) && word !== "") {
      words.push(word);
      word = "";
    }
    if (isLetter) word += char.toLowerCase();
    wasLower = isLetter && !isUpper;
  }
  if (word !== "") words.push(word);
  return words;
}
