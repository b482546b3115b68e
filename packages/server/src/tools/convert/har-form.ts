/**
 * The body of a form that a HAR gives as a list of parameters and not as text. Sans-IO. In: an entry's `postData` and the request's
 * Content-Type. Out: the body as a browser sends it, its type, and which files' contents the HAR does not hold.
 */
import { toFieldValue } from "../../core/http/head/head-rules.ts";
import { fieldsOf, textOf } from "./har-values.ts";
import type { Fields } from "./har-values.ts";

const URLENCODED = "application/x-www-form-urlencoded";
const MULTIPART = "multipart/form-data";
/** Of a boundary that we choose; digits follow until no value holds it. */
const BOUNDARY = "mirrorball-form-";

export interface FormBody {
  readonly body: Buffer;
  readonly contentType: string;
  /** Names of files without content. */
  readonly missing: readonly string[];
}

/** Undefined when there are no parameters, or a text beside them: that is what was really sent. */
export function formBody(postData: Fields, contentType: string | undefined): FormBody | undefined {
  const params = postData["params"];
  if (textOf(postData["text"]) !== "" || !Array.isArray(params) || params.length === 0) {
    return undefined;
  }
  const type = toFieldValue(contentType ?? textOf(postData["mimeType"]));
  const list = params.map(fieldsOf);
  return type.trim().toLowerCase().startsWith(MULTIPART)
    ? multipart(list, type)
    : urlencoded(list, type);
}

function urlencoded(params: readonly Fields[], type: string): FormBody {
  const query = new URLSearchParams();
  for (const { name, value } of params) query.append(textOf(name), textOf(value));
  return {
    body: Buffer.from(query.toString()),
    contentType: type === "" ? URLENCODED : type,
    missing: [],
  };
}

function multipart(params: readonly Fields[], type: string): FormBody {
  const given = boundaryOf(type);
  const boundary = given ?? freeBoundary(params);
  const missing: string[] = [];
  const lines: string[] = [];
  for (const param of params) {
    const fileName = param["fileName"];
    const isFile = typeof fileName === "string";
    const name = quoted(textOf(param["name"]));
    const file = isFile ? `; filename="${quoted(fileName)}"` : "";
    const partType = toFieldValue(textOf(param["contentType"]));
    lines.push(`--${boundary}`, `Content-Disposition: form-data; name="${name}"${file}`);
    if (partType !== "") lines.push(`Content-Type: ${partType}`);
    lines.push("", textOf(param["value"]));
    if (isFile && typeof param["value"] !== "string") missing.push(fileName);
  }
  lines.push(`--${boundary}--`, "");
  return {
    body: Buffer.from(lines.join("\r\n")),
    contentType: given === undefined ? `${MULTIPART}; boundary=${boundary}` : type,
    missing,
  };
}

function boundaryOf(type: string): string | undefined {
  const [, quotedText, plain] =
    /;[\t ]*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(type) ?? [];
  return quotedText ?? plain;
}

function freeBoundary(params: readonly Fields[]): string {
  const values = params.map(({ value }) => textOf(value));
  let number = 0;
  while (values.some((value) => value.includes(`${BOUNDARY}${number}`))) number += 1;
  return `${BOUNDARY}${number}`;
}

/** As browsers write names: these three would end them. */
function quoted(text: string): string {
  return text.replaceAll('"', "%22").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}
