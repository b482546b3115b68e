/**
 * Names the endpoint of a request: the framework's route when the recording has it, an OpenAPI template, else what the path looks like, with
 * parts that vary put together. In: requests. Out: a method and a route. The same recording gives the same names.
 */
import { isResponseHead } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { contentOf } from "../content/body.ts";
import { isObject } from "../content/json.ts";
import type { Json } from "../content/json.ts";
import { routeOf } from "../route-shape.ts";

export interface EndpointName {
  readonly method: string;
  readonly route: string;
}

/** Templates by method (in capitals) of an OpenAPI document: `/users/{id}`. */
export interface RouteTemplates {
  match(method: string, path: string): string | undefined;
}

export const UNREADABLE: EndpointName = { method: "?", route: "(unreadable)" };

/** Routes of one run; more are counted together. */
const ROUTES_MAX = 2000;
const OTHERS = "(others)";

export class Endpoints {
  readonly #templates: RouteTemplates | undefined;
  readonly #known: Set<string> = new Set();

  constructor(templates: RouteTemplates | undefined) {
    this.#templates = templates;
  }

  nameOf(message: Message): EndpointName {
    const { head } = message.http;
    if (head === undefined || isResponseHead(head)) return UNREADABLE;
    const path = pathOf(head.target);
    const template = this.#templates?.match(head.method, path);
    const route = routeOf(path, message.context, template);
    const operation = graphqlOperation(message, path);
    const full = operation === undefined ? route : `${route} ${operation}`;
    const key = `${head.method} ${full}`;
    if (!this.#known.has(key)) {
      if (this.#known.size >= ROUTES_MAX) return { method: head.method, route: OTHERS };
      this.#known.add(key);
    }
    return { method: head.method, route: full };
  }
}

function pathOf(target: string): string {
  const end = target.indexOf("?");
  return end < 0 ? target : target.slice(0, end);
}

/** `query Orders` of a GraphQL request: what is asked, not where, tells its endpoints apart. */
function graphqlOperation(message: Message, path: string): string | undefined {
  if (!path.endsWith("/graphql")) return undefined;
  const { head } = message.http;
  if (head === undefined) return undefined;
  const content = contentOf(head.headers, message.http.body);
  if (typeof content === "string" || !isObject(content.json)) return undefined;
  return operationOf(content.json["query"], content.json["operationName"]);
}

function operationOf(query: Json | undefined, name: Json | undefined): string | undefined {
  const text = typeof query === "string" ? query.trimStart() : "";
  const found = /^(query|mutation|subscription)\b\s{0,100}([A-Za-z_]\w{0,100})?/.exec(text);
  const type = found?.[1] ?? "query";
  const given = typeof name === "string" && name !== "" ? name : found?.[2];
  if (given !== undefined) return `${type} ${given}`;
  const field = /\{\s{0,100}([A-Za-z_]\w{0,100})/.exec(text)?.[1];
  return field === undefined ? undefined : `${type} { ${field} }`;
}
