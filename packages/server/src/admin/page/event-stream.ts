/**
 * One browser that watches: server-sent events on one answer. In: events by name. Out: bytes, and whether the browser keeps up. What it is too slow
 * for is not queued: who sends asks `isReady` first, and sends the newest when it is.
 */
import type { ServerResponse } from "node:http";
import { plainJson } from "../route.ts";
import type { PageEvents } from "./events.ts";

/** What may wait in this process for one browser before it counts as slow. */
const WAITING_BYTES_MAX: number = 256 * 1024;

export class EventStream {
  readonly #response: ServerResponse;

  constructor(response: ServerResponse, onClose: () => void) {
    this.#response = response;
    response.writeHead(200, {
      "content-type": "text/event-stream",
      // Proxies that would collect events are asked not to.
      "x-accel-buffering": "no",
    });
    response.on("close", onClose);
  }

  get isReady(): boolean {
    return this.#response.writableLength < WAITING_BYTES_MAX;
  }

  send<K extends keyof PageEvents>(name: K, data: PageEvents[K]): void {
    this.#response.write(`event: ${name}\ndata: ${plainJson(JSON.stringify(data))}\n\n`);
  }

  /** Finds out whether somebody is still there. */
  beat(): void {
    this.#response.write(":\n\n");
  }

  close(): void {
    this.#response.end();
  }
}
