/** A response as the comparison sees it: status, fields by name, content. Made once a response, as late as possible. */
import { headerValue, isResponseHead } from "@mirrorball/protocol";
import type { HeaderList, Message } from "@mirrorball/protocol";
import { contentOf } from "../../content/body.ts";
import type { Content } from "../../content/body.ts";

export class View {
  readonly status: number;
  readonly headers: HeaderList;
  readonly #message: Message;
  #content: Content | string | undefined;

  constructor(message: Message) {
    const { head } = message.http;
    const isResponse = head !== undefined && isResponseHead(head);
    this.status = isResponse ? head.status : 0;
    this.headers = head?.headers ?? [];
    this.#message = message;
  }

  /** The content, or the reason why it cannot be looked into. */
  get content(): Content | string {
    this.#content ??= contentOf(this.headers, this.#message.http.body);
    return this.#content;
  }

  get coding(): string | undefined {
    return headerValue(this.headers, "content-encoding");
  }

  get rawBody(): Uint8Array {
    return this.#message.http.body;
  }
}
