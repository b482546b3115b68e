/** What `--input-dummy` is when it runs: an exchange a second. */
import { HttpMessage, MessageKind, timestampToNs } from "@mirrorball/protocol/messages";
import type { Message } from "@mirrorball/protocol";
import type { Input, InputContext } from "../../component/types.ts";
import { MessageIds } from "../message-ids.ts";

export function create(context: InputContext): Input {
  return new DummyInput(context);
}

const PERIOD_MS = 1000;

const REQUEST: Uint8Array = Buffer.from(
  "GET / HTTP/1.1\r\nHost: www.w3.org\r\nUser-Agent: Go 1.1 package http\r\nAccept-Encoding: gzip\r\n\r\n",
);

const RESPONSE: Uint8Array = Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");

class DummyInput implements Input {
  readonly #context: InputContext;
  readonly #ids: MessageIds = new MessageIds();
  #timer: NodeJS.Timeout | undefined;
  #blocked = false;

  constructor(context: InputContext) {
    this.#context = context;
  }

  async start(): Promise<void> {
    this.#timer = setInterval(() => this.#emit(), PERIOD_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
  }

  #emit(): void {
    if (this.#blocked) return;
    const wait = this.#context.emit(exchange(this.#ids.next(), this.#context.clock.nowUs()));
    if (wait === undefined) return;
    this.#blocked = true;
    const resume = (): void => {
      this.#blocked = false;
    };
    // The engine's promise never rejects.
    void wait.then(resume);
  }
}

function exchange(id: string, nowUs: number): Message[] {
  return [
    {
      kind: MessageKind.request,
      id,
      startedAt: nowUs,
      latencyNs: -1,
      http: HttpMessage.fromRaw(REQUEST),
    },
    {
      kind: MessageKind.response,
      id,
      startedAt: timestampToNs(nowUs) + 1n,
      latencyNs: 1,
      http: HttpMessage.fromRaw(RESPONSE),
    },
  ];
}
