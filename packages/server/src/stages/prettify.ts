/**
 * `--prettify-http`: bodies as people and programs read them: transfer coding and content coding removed, the length
 * made right. Requests and responses, before middleware and rules. A body that cannot be decoded stays as it is, head
 * and all, and is counted; gor dropped the message.
 */
import { BodyState, HttpMessage, headerValue, isChunked } from "@mirrorball/protocol/messages";
import type { Head, Message } from "@mirrorball/protocol";
import { defineStage } from "../component/define.ts";
import type { StageDeclaration } from "../component/define.ts";
import { flag } from "../component/kinds.ts";
import type { OptionSpec } from "../component/option.ts";
import type { Stage } from "../component/types.ts";
import { codingsOf, decodeBody } from "../core/http/decode-body.ts";

/** Of a decoded body: twice what the SDK records of one by default, and a bound on what a bomb can cost. */
const DECODED_BYTES_MAX: number = 32 * 1024 * 1024;

const options: { on: OptionSpec<boolean> } = {
  on: flag({
    flag: "prettify-http",
    help: "Decode bodies that are chunked or compressed (gzip, deflate, br, zstd) and set their length, before middleware and rules.",
    default: false,
  }),
};

export const prettify: StageDeclaration<typeof options> = defineStage({
  name: "prettify",
  beforeRelay: true,
  summary: "Decode chunked and compressed bodies.",
  options,
  create: ({ on }) => (on ? new PrettifyStage() : undefined),
});

class PrettifyStage implements Stage {
  readonly #left: Map<string, number> = new Map();

  process(batch: Message[]): number {
    for (let i = 0; i < batch.length; i += 1) {
      const message = batch[i];
      if (message !== undefined) batch[i] = this.#decoded(message);
    }
    return batch.length;
  }

  counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#left);
  }

  #decoded(message: Message): Message {
    const { http, context } = message;
    const { head } = http;
    if (head === undefined) return message;
    const codings = codingsOf(headerValue(head.headers, "content-encoding") ?? "");
    const chunked = isChunked(head);
    if (!chunked && codings.length === 0) return message;
    const whole = (context?.bodyState ?? BodyState.complete) === BodyState.complete;
    // The answer to a HEAD has the fields of a body and no body.
    if (!whole || !http.bodyComplete || (http.body.length === 0 && !chunked)) return message;
    const body = http.body.length === 0 ? http.body : decodeBody(http.body, codings, DECODED_BYTES_MAX); // prettier-ignore
    if (typeof body === "string") {
      this.#left.set(body, (this.#left.get(body) ?? 0) + 1);
      return message;
    }
    return { ...message, http: HttpMessage.fromParts(plain(head, body.length), body) };
  }
}

/** Fields that speak of a coding that is gone, and of trailers that went with it. */
const GONE = new Set(["transfer-encoding", "content-encoding", "trailer", "content-length"]);

/** The head of a body that is `length` bytes and nothing else; the length stands where the framing stood. */
function plain(head: Head, length: number): Head {
  const headers: string[] = [];
  let placed = false;
  for (let i = 0; i + 1 < head.headers.length; i += 2) {
    const name = head.headers[i] ?? "";
    const lower = name.toLowerCase();
    if (!GONE.has(lower)) {
      headers.push(name, head.headers[i + 1] ?? "");
    } else if (!placed && (lower === "transfer-encoding" || lower === "content-length")) {
      headers.push("Content-Length", String(length));
      placed = true;
    }
  }
  if (!placed) headers.push("Content-Length", String(length));
  return { ...head, headers };
}
