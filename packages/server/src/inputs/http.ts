/**
 * `--input-http ADDRESS`: any program posts copies of requests, as requests. Each arrives as it was sent: method, target, order, case and
 * duplicates of its fields, the bytes of its body.
 *
 * The answer is `200 OK` once the copy is in the pipeline and never before; 503 when the pipeline stays full, 413 for a
 * body beyond the limit, 400 for what is not HTTP. All of these are counted.
 */
import { checkAddress, placeOf } from "../component/net/address.ts";
import { defineInput } from "../component/define.ts";
import type { InputDeclaration } from "../component/define.ts";
import { size } from "../component/kinds.ts";
import type { OptionSpec } from "../component/option.ts";
import { BODY_BYTES_MAX } from "../core/assemble/partial-body.ts";

const options: { bodyLimitBytes: OptionSpec<number> } = {
  bodyLimitBytes: size({
    help: "Requests with a larger body are answered with 413 and counted.",
    example: "8mb",
    default: BODY_BYTES_MAX,
    min: 1,
  }),
};

export const inputHttp: InputDeclaration<typeof options> = defineInput({
  name: "input-http",
  summary: "Take copies of requests that any program sends over HTTP.",
  argument: {
    placeholder: "ADDRESS",
    example: ":28019",
    parse: checkAddress,
  },
  takesFrom: placeOf,
  options,
  load: () => import("./http/input.ts"),
});
