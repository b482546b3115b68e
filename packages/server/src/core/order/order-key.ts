/**
 * What makes requests one sequence: `connection`, `header:NAME`, `cookie:NAME` or `param:NAME`. Pure. In: a message.
 * Out: the name of its sequence, or undefined when it belongs to none.
 */
import { headerValue, isResponseHead } from "@mirrorball/protocol/messages";
import type { Message, RequestHead } from "@mirrorball/protocol";

export type OrderKey = (message: Message) => string | undefined;

/** Characters of an id that say which producer it came from. */
const PRODUCER_CHARS = 12;
/** A raw capture's id opens with ports and client address: these characters are the connection. */
const CAPTURED_CONNECTION_CHARS = 16;
const CAPTURED_ID = /^[\da-f]{12}(?!0000)[\da-f]{12}$/;

/** The function that `text` names, or undefined when it is none of the four forms. */
export function parseOrderKey(text: string): OrderKey | undefined {
  if (text === "connection") return connectionOf;
  const match = /^(header|cookie|param):([^\s=;,&]+)$/.exec(text);
  const [, where, name = ""] = match ?? [];
  if (where === "header") {
    const lower = name.toLowerCase();
    return (message) => headerValue(requestOf(message)?.headers ?? [], lower);
  }
  if (where === "cookie") return (message) => cookieOf(requestOf(message), name);
  if (where === "param") return (message) => paramOf(requestOf(message)?.target ?? "", name);
  return undefined;
}

/** Known from the SDK; read from the id of what gor's raw input captured; otherwise not known. */
function connectionOf({ id, context }: Message): string | undefined {
  const connection = context?.connection;
  if (connection !== undefined) return `${id.slice(0, PRODUCER_CHARS)}/${connection}`;
  return CAPTURED_ID.test(id) ? id.slice(0, CAPTURED_CONNECTION_CHARS) : undefined;
}

function requestOf({ http }: Message): RequestHead | undefined {
  const { head } = http;
  return head === undefined || isResponseHead(head) ? undefined : head;
}

function cookieOf(head: RequestHead | undefined, name: string): string | undefined {
  const cookies = headerValue(head?.headers ?? [], "cookie");
  for (const pair of cookies?.split(";") ?? []) {
    const equals = pair.indexOf("=");
    if (equals > 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
  }
  return undefined;
}

/** The raw value: whoever wrote it differently is somebody else. */
function paramOf(target: string, name: string): string | undefined {
  const query = target.indexOf("?");
  if (query < 0) return undefined;
  for (const pair of target.slice(query + 1).split("&")) {
    const equals = pair.indexOf("=");
    if (equals > 0 && pair.slice(0, equals) === name) return pair.slice(equals + 1);
  }
  return undefined;
}
