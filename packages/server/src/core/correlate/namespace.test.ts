import { expect, it } from "vitest";
import {
  namespaceOfMember,
  namespaceOfSegment,
  namespaceOfUse,
  singular,
  wordsOf,
} from "./namespace.ts";

it.each([
  ["accountId", ["account", "id"]],
  ["account_id", ["account", "id"]],
  ["X-Request-ID", ["x", "request", "id"]],
  ["ORDER_NO", ["order", "no"]],
  ["größe", ["größe"]],
  ["", []],
  ["---", []],
])("the words of %j", (name, words) => expect(wordsOf(name)).toEqual(words));

it.each([
  ["accounts", "account"],
  ["categories", "category"],
  ["addresses", "address"],
  ["boxes", "box"],
  ["status", "statu"],
  ["glass", "glass"],
  ["id", "id"],
])("one of %s is a %s", (word, one) => expect(singular(word)).toBe(one));

it("the same thing has one name wherever it stands", () => {
  const names = [
    namespaceOfMember("id", "account"),
    namespaceOfMember("accountId", undefined),
    namespaceOfMember("account_ids", undefined),
    namespaceOfUse("account"),
    namespaceOfUse("accountNo"),
    namespaceOfSegment("accounts"),
  ];
  expect(new Set(names)).toEqual(new Set(["account"]));
});

it("what says nothing has none", () => {
  expect(namespaceOfMember("amount", "account")).toBeUndefined();
  expect(namespaceOfMember("id", undefined)).toBeUndefined();
  expect(namespaceOfSegment("")).toBeUndefined();
  expect(namespaceOfSegment("17")).toBeUndefined();
  expect(namespaceOfSegment(undefined)).toBeUndefined();
});
