import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { HttpMessage, MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { Comparison } from "../comparison.ts";
import { REPORT_JSON_SCHEMA, reportSchemaText } from "./report-schema.ts";
import { applyPolicy } from "../rules.ts";

type Schema = Readonly<Record<string, unknown>>;

/** Places where `value` is not what `schema` says; knows the words that our schema uses and refuses others. */
function faults(value: unknown, schema: Schema, at = "$"): string[] {
  const { type, ...rest } = schema;
  // The other words are about values of that type.
  if (type !== undefined && ![type].flat().some((each) => isOfType(value, each))) {
    return [`${at}: type`];
  }
  return Object.entries(rest).flatMap(([word, rule]) => check(word, rule, value, schema, at));
}

function check(word: string, rule: unknown, value: unknown, schema: Schema, at: string): string[] {
  const fault = (isRight: boolean): string[] => (isRight ? [] : [`${at}: ${word}`]);
  switch (word) {
    case "$schema":
    case "title":
    case "description":
      return [];
    case "const":
      return fault(value === rule);
    case "enum":
      return fault((rule as unknown[]).includes(value));
    case "minimum":
      return fault(typeof value !== "number" || value >= Number(rule));
    case "minItems":
      return fault((value as unknown[]).length >= Number(rule));
    case "maxItems":
      return fault((value as unknown[]).length <= Number(rule));
    case "required":
      return (rule as string[]).flatMap((name) => fault(Object.hasOwn(value as object, name)));
    case "properties":
      return Object.entries(rule as Record<string, Schema>).flatMap(([name, inner]) => {
        const own: unknown = Reflect.get(value as object, name);
        return own === undefined ? [] : faults(own, inner, `${at}.${name}`);
      });
    case "additionalProperties":
      return Object.values(value as object).flatMap((each: unknown) =>
        faults(each, rule as Schema, at),
      );
    case "items":
      return (value as unknown[]).flatMap((each, i) => faults(each, rule as Schema, `${at}[${i}]`));
    case "prefixItems":
      return (rule as Schema[]).flatMap((inner, i) =>
        faults((value as unknown[])[i], inner, `${at}[${i}]`),
      );
    case "anyOf":
      return fault((rule as Schema[]).some((inner) => faults(value, inner, at).length === 0));
    default:
      throw new Error(`${word} of ${JSON.stringify(schema)} is not known here`);
  }
}

function isOfType(value: unknown, type: unknown): boolean {
  if (type === "null") return value === null;
  if (type === "array") return Array.isArray(value);
  if (type === "integer") return Number.isInteger(value);
  if (type === "object")
    return typeof value === "object" && value !== null && !Array.isArray(value);
  return typeof value === type;
}

function message(kind: MessageKind, id: number, raw: string): Message {
  const http = HttpMessage.fromRaw(Buffer.from(raw));
  return { kind, id: String(id), startedAt: id * 10_000, latencyNs: 1_000_000, http };
}

function answer(kind: MessageKind, id: number, body: unknown, more = ""): Message {
  const text = JSON.stringify(body);
  return message(
    kind,
    id,
    `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n${more}Content-Length: ${text.length}\r\n\r\n${text}`,
  );
}

function report(control: boolean): unknown {
  const comparison = new Comparison({ control });
  for (let i = 1; i <= 40; i += 1) {
    comparison.request(
      message(
        MessageKind.request,
        i,
        `GET /${i % 2 === 0 ? "a" : "b"} HTTP/1.1\r\nHost: x\r\n\r\n`,
      ),
    );
    const body = { at: new Date(i * 1000).toISOString(), price: i, list: [1, 2] };
    comparison.answer("original", answer(MessageKind.response, i, body));
    if (control) comparison.answer("control", answer(MessageKind.replayed, i, body));
    comparison.answer(
      "replayed",
      answer(MessageKind.replayed, i, { ...body, price: String(i), list: [1] }, "X-A: 1\r\n"),
    );
  }
  comparison.end();
  const rules = [{ action: "accept", part: "header", owner: "ann", reason: "wanted" }] as const;
  // As it stands in a file: fields that are undefined are not there.
  return JSON.parse(JSON.stringify(applyPolicy(comparison.report(), { rules, tolerance: 0 }, 0)));
}

describe("the schema of reports", () => {
  it.each([false, true])("describes a real one; with a control: %s", (control) => {
    const made = report(control);
    expect(made).toMatchObject({ verdict: "different" });
    expect(faults(made, REPORT_JSON_SCHEMA)).toEqual([]);
  });

  it.each<[string, unknown]>([
    ["$: required", {}],
    ["$.verdict: enum", { ...(report(false) as object), verdict: "good" }],
    ["$.endpoints: type", { ...(report(false) as object), endpoints: {} }],
  ])("finds fault: %s", (fault, made) => expect(faults(made, REPORT_JSON_SCHEMA)).toContain(fault));

  it("is what docs/reference holds", () => {
    const path = new URL(
      "../../../../../../docs/reference/compare-report.schema.json",
      import.meta.url,
    );
    expect(readFileSync(path, "utf8")).toBe(reportSchemaText());
  });
});
