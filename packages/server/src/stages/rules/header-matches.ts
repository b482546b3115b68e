/** Whether a header field matches. A field that is missing or empty has nothing that could. */
import type { HeaderList } from "@mirrorball/protocol";
import { headerIndex } from "../../core/http/edit/edit.ts";
import type { HeaderPattern } from "./kinds.ts";

/** True when one of the fields of that name matches; with `firstOnly`, as in gor, the first alone is asked. */
export function headerMatches(
  headers: HeaderList,
  { lowerName, pattern }: HeaderPattern,
  firstOnly: boolean,
): boolean {
  let at = headerIndex(headers, lowerName);
  while (at >= 0) {
    const value = headers[at + 1] ?? "";
    if (value !== "" && pattern.test(value)) return true;
    at = firstOnly ? -1 : headerIndex(headers, lowerName, at + 2);
  }
  return false;
}
