/** The address of `--output-http-elasticsearch`: text to server and index. Pure. */
import { basicAuthorization, parseHttpUrl } from "../../component/net/http-url.ts";
import { Refusal } from "../../component/option.ts";

export interface IndexTarget {
  /** `http://localhost:9200` */
  readonly origin: string;
  /** What stands in front of the index: "" or `/behind/a/proxy`. */
  readonly prefix: string;
  readonly index: string;
  readonly authorization: string | undefined;
}

const RULE = new Refusal(
  "must be [http[s]://][user:password@]host[:port]/index such as http://localhost:9200/replays; the index in lower case",
);
/** What Elasticsearch and OpenSearch take as the name of an index, a data stream or an alias. */
const INDEX = /^(?![-_+.])[^A-Z\s"*\\<>|,/?#:]{1,255}$/;

/** `host:9200/index` means http, as gor's documentation has it. */
export function parseIndexTarget(text: string): IndexTarget | Refusal {
  const url = parseHttpUrl(text, RULE);
  if (url instanceof Refusal) return url;
  const cut = url.pathname.lastIndexOf("/");
  const index = url.pathname.slice(cut + 1);
  if (!INDEX.test(index) || url.search !== "" || url.hash !== "") return RULE;
  return {
    origin: url.origin,
    prefix: url.pathname.slice(0, cut),
    index,
    authorization: basicAuthorization(url),
  };
}
