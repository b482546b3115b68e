/**
 * `--output-http-elasticsearch URI`: one document for each replayed exchange, in Elasticsearch 7, 8, 9 or OpenSearch, with gor's
 * keys. It asks the HTTP outputs for their answers by itself. A server that is slow or down costs documents, counted, and
 * never time: its queue drops by default.
 */
import { MessageKind } from "@mirrorball/protocol/messages";
import { defineOutput } from "../component/define.ts";
import type { OutputDeclaration } from "../component/define.ts";
import { duration, flag } from "../component/kinds.ts";
import { Refusal } from "../component/option.ts";
import type { OptionSpec } from "../component/option.ts";
import { parseIndexTarget } from "./elasticsearch/target.ts";

const options: { pairTimeoutMs: OptionSpec<number>; skipVerify: OptionSpec<boolean> } = {
  pairTimeoutMs: duration({
    help: "How long a request waits for its answer before it is stored without one.",
    example: "10s",
    default: 30_000,
    min: 100,
  }),
  skipVerify: flag({ help: "Do not verify the server's TLS certificate.", default: false }),
};

export const outputElasticsearch: OutputDeclaration<typeof options> = defineOutput({
  name: "output-http-elasticsearch",
  summary:
    "Store one document for each replayed exchange in Elasticsearch or OpenSearch; turns --output-http-track-response on.",
  argument: {
    placeholder: "URI",
    example: "http://localhost:9200/replays",
    parse: (raw) => {
      const target = parseIndexTarget(raw);
      return target instanceof Refusal ? target : raw;
    },
  },
  accepts: [MessageKind.request, MessageKind.response, MessageKind.replayed],
  wantsReplayed: true,
  queueFull: "drop",
  options,
  load: () => import("./elasticsearch/output.ts"),
});
