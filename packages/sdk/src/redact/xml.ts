/**
 * XML, SAML and SOAP in it: the content of elements with a name of the rules, and the value of what names one in an attribute
 * (`<param name="password" value="x"/>`, `<attribute name="token">x</attribute>`); texts with entities are looked into decoded.
 * Lenient, as it must not be fooled by what is not well-formed; `CannotLook` where the end of a value cannot be told.
 * Attributes with a name of the rules are left to `plain.ts`, which sees the text afterwards.
 */
import type { ReplaceAs } from "./replacer.ts";
import { CannotLook } from "./replacer.ts";

export interface XmlRules {
  /** How the value of a name is replaced; undefined when it is not. */
  readonly find: (name: string, value: string) => ReplaceAs | undefined;
  readonly replace: (value: string, as: ReplaceAs) => string;
  /** A text between tags, decoded. */
  readonly value: (text: string) => string;
}

/** Attributes that name a field … */
const NAMING =
  /[\s"'](?:name|key|id|field|param|property)\s*=\s*(?:"([^"<]*)"|'([^'<]*)'|([^\s"'<>]+))/gi;
/** … and those that have its value. */
const VALUE = /([\s"'](?:value|content|val|default)\s*=\s*)(?:"([^"]*)"|'([^']*)'|([^\s"'<>]+))/gi;
const ENTITIES = new Map([["amp", "&"], ["lt", "<"], ["gt", ">"], ["quot", '"'], ["apos", "'"]]); // prettier-ignore

export function redactXml(text: string, rules: XmlRules): string {
  const out: string[] = [];
  let copied = 0;
  let at = 0;
  const put = (start: number, end: number, safe: string): void => {
    out.push(text.slice(copied, start), safe);
    copied = end;
  };
  while (at < text.length) {
    const open = text.indexOf("<", at);
    const textEnd = open < 0 ? text.length : open;
    const said = text.slice(at, textEnd);
    const cleaned = said.includes("&") ? textWithout(said, rules) : said;
    if (cleaned !== said) put(at, textEnd, cleaned);
    if (open < 0) break;
    const end = endOfMarkup(text, open);
    at = end;
    if (!/[a-z_]/i.test(text[open + 1] ?? "")) continue;
    const tag = text.slice(open, end);
    const name = /^<([^\s/>"'=]*)/.exec(tag)?.[1] ?? "";
    const named = secretIn(tag, rules);
    if (named !== undefined) {
      const safe = withoutValues(tag, named, rules);
      if (safe !== tag) put(open, end, safe);
    }
    if (tag.endsWith("/>")) continue;
    const as = named ?? rules.find(localName(name), "");
    if (as === undefined) continue;
    const close = closeOf(text, end, name);
    const value = text.slice(end, close);
    at = close;
    if (
      value.trim() === "" ||
      (named === undefined && rules.find(localName(name), value) === undefined)
    )
      continue;
    put(end, close, escaped(rules.replace(withoutEntities(value), as)));
  }
  return out.length === 0 ? text : out.join("") + text.slice(copied);
}

/** Text between tags whose entities spell out a secret, without it; any other as it is. */
function textWithout(said: string, rules: XmlRules): string {
  const plain = withoutEntities(said);
  const safe = rules.value(plain);
  return safe === plain ? said : escaped(safe);
}

/** A tag whose attributes have lost all their values. */
function withoutValues(tag: string, named: ReplaceAs, rules: XmlRules): string {
  return tag.replaceAll(VALUE, (_all, begin: string, one?: string, two?: string, bare?: string) =>
    `${begin}"${escaped(rules.replace(withoutEntities(one ?? two ?? bare ?? ""), named))}"`,
  ); // prettier-ignore
}

/** Behind a tag, comment or the like that begins at `open`. */
function endOfMarkup(text: string, open: number): number {
  for (const [begin, end] of [["<!--", "-->"], ["<![CDATA[", "]]>"], ["<?", "?>"]] as const) {
    if (!text.startsWith(begin, open)) continue;
    const found = text.indexOf(end, open + begin.length);
    return found < 0 ? text.length : found + end.length;
  } // prettier-ignore
  // An entity of its own may stand for anything.
  if (/^<!(?:entity|doctype[^<>]*\[)/i.test(text.slice(open, open + 256))) throw new CannotLook("XML with entities of its own"); // prettier-ignore
  let quote = "";
  for (let i = open + 1; i < text.length; i += 1) {
    const char = text[i] ?? "";
    if (quote !== "") {
      if (char === quote) quote = "";
    } else if (char === '"' || char === "'") quote = char;
    else if (char === ">") return i + 1;
  }
  return text.length;
}

/** Where the element ends whose content begins at `from`. */
function closeOf(text: string, from: number, name: string): number {
  let depth = 1;
  for (let at = text.indexOf("<", from); at >= 0; at = text.indexOf("<", at + 1)) {
    const closes = text[at + 1] === "/";
    const begin = closes ? at + 2 : at + 1;
    if (!text.startsWith(name, begin) || !/[\s/>]/.test(text[begin + name.length] ?? "")) continue;
    if (closes) depth -= 1;
    else if (!text.slice(at, endOfMarkup(text, at)).endsWith("/>")) depth += 1;
    if (depth === 0) return at;
  }
  throw new CannotLook("an element without an end");
}

/** How the value is replaced of the field that an attribute of the tag names. */
function secretIn(tag: string, { find }: XmlRules): ReplaceAs | undefined {
  for (const [, one, two, bare] of tag.matchAll(NAMING)) {
    const as = find(withoutEntities(one ?? two ?? bare ?? ""), "");
    if (as !== undefined) return as;
  }
  return undefined;
}

function localName(name: string): string {
  return name.slice(name.indexOf(":") + 1);
}

function withoutEntities(text: string): string {
  return text.replaceAll(/&(?:#x([\da-f]{1,6})|#(\d{1,7})|([a-z]{2,4}));/gi, (all, hex?: string, decimal?: string, name?: string) => {
    if (name !== undefined) return ENTITIES.get(name) ?? all;
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : all;
  }); // prettier-ignore
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;"); // prettier-ignore
}
