/**
 * `--input-dummy ANYTHING`: a request and its response every second, gor's very bytes, to try outputs and rules with. While the
 * pipeline is full it makes none.
 */
import { defineInput } from "../component/define.ts";
import type { InputDeclaration } from "../component/define.ts";

export const inputDummy: InputDeclaration<Record<never, never>> = defineInput({
  name: "input-dummy",
  summary:
    "Make a request and a response every second, to try things with; what it is given is ignored.",
  argument: { placeholder: "ANYTHING", example: "1", parse: (raw) => raw },
  options: {},
  load: () => import("./dummy/input.ts"),
});
