/** The two conversations with an Elasticsearch: make the index if it is not there, store a bulk of documents. Owns the sockets. */
import { Client } from "undici";
import { bulkBody, errorIn, readBulkAnswer } from "./bulk.ts";
import type { BulkItem, BulkOutcome } from "./bulk.ts";
import { MAPPINGS } from "./document.ts";
import type { DocumentStore } from "./indexer.ts";
import type { IndexTarget } from "./target.ts";

const CONNECT_MS_MAX = 5000;
/** A bulk may take a busy server long; one that says nothing for longer is sent again. */
const ANSWER_MS_MAX = 30_000;
/** Bytes of an answer that are read: a thousand items with their errors are half of it. */
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;

export class ElasticServer implements DocumentStore {
  readonly #target: IndexTarget;
  readonly #client: Client;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(target: IndexTarget, skipVerify: boolean) {
    this.#target = target;
    this.#client = new Client(target.origin, {
      connect: { timeout: CONNECT_MS_MAX, rejectUnauthorized: !skipVerify },
      headersTimeout: ANSWER_MS_MAX,
      bodyTimeout: ANSWER_MS_MAX,
    });
    this.#headers =
      target.authorization === undefined ? {} : { authorization: target.authorization };
  }

  async close(): Promise<void> {
    await this.#client.destroy();
  }

  /** An alias, or an index without the right to look at it, is none of our business. */
  async ensureIndex(): Promise<string | undefined> {
    const path = `${this.#target.prefix}/${this.#target.index}`;
    try {
      const found = await this.#ask("HEAD", path);
      if (found.status !== 404) return isBusy(found.status) ? describe(found) : undefined;
      const made = await this.#ask(
        "PUT",
        path,
        "application/json",
        JSON.stringify({ mappings: MAPPINGS }),
      );
      return isBusy(made.status) ? describe(made) : undefined;
    } catch (error) {
      return messageOf(error);
    }
  }

  async store(items: readonly BulkItem[]): Promise<BulkOutcome> {
    const path = `${this.#target.prefix}/${this.#target.index}/_bulk`;
    let answer: Answer;
    try {
      answer = await this.#ask("POST", path, "application/x-ndjson", bulkBody(items));
    } catch (error) {
      return { kind: "trouble", reason: messageOf(error), waitMs: 0 };
    }
    const { status, text, retryAfterMs } = answer;
    if (status === 413 || status === 400) return { kind: "too-large", reason: describe(answer) };
    const read = status === 200 ? readBulkAnswer(text, items.length) : undefined;
    if (read !== undefined) return { kind: "answered", ...read };
    return { kind: "trouble", reason: describe(answer), waitMs: retryAfterMs };
  }

  async #ask(
    method: "HEAD" | "PUT" | "POST",
    path: string,
    type?: string,
    body?: string,
  ): Promise<Answer> {
    const headers = type === undefined ? this.#headers : { ...this.#headers, "content-type": type };
    const {
      statusCode,
      headers: fields,
      body: stream,
    } = await this.#client.request({
      method,
      path,
      headers,
      body: body ?? null,
    });
    let text = "";
    for await (const chunk of stream.setEncoding("utf8")) {
      if (text.length < ANSWER_BYTES_MAX) text += String(chunk);
    }
    return { status: statusCode, text, retryAfterMs: retryAfterMs(fields["retry-after"]) };
  }
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly retryAfterMs: number;
}

/** Longer waits than this are a proxy's mistake more often than a wish. */
const RETRY_AFTER_S_MAX = 300;

function retryAfterMs(value: string | string[] | undefined): number {
  const seconds = typeof value === "string" && /^\d{1,6}$/.test(value) ? Number(value) : 0;
  return Math.min(seconds, RETRY_AFTER_S_MAX) * 1000;
}

function isBusy(status: number): boolean {
  return status === 429 || status >= 500;
}

function describe({ status, text }: Answer): string {
  return `status ${status} ${errorIn(text)}`.trim();
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Several addresses tried give an error without a message of its own.
  return error.message === "" && "code" in error ? String(error.code) : error.message;
}
