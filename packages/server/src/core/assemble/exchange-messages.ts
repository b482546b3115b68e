/** From a producer's whole exchanges to messages: ids, contexts, heads. In: a record. Out: a request, and a response if there is one. Keeps nothing. */
import { BodyState, EXCHANGE_AT, HttpMessage, MessageKind } from "@mirrorball/protocol";
import type { ExchangeRecord, Message, MessageContext } from "@mirrorball/protocol";

export const NS_PER_US = 1000;
const ID_HEX_DIGITS = 12;

export class ExchangeMessages {
  readonly #idPrefix: string;
  readonly #service: string;

  constructor(idPrefix: string, service: string) {
    this.#idPrefix = idPrefix;
    this.#service = service;
  }

  /** Appends the messages of an exchange that came in one record. */
  whole(record: ExchangeRecord, out: Message[]): void {
    const id = this.idOf(record[EXCHANGE_AT.exchange]);
    const context = this.contextOf(
      record[EXCHANGE_AT.connection],
      record[EXCHANGE_AT.connectionSeq],
      record[EXCHANGE_AT.peer],
      record[EXCHANGE_AT.route],
      record[EXCHANGE_AT.tags],
    );
    out.push({
      kind: MessageKind.request,
      id,
      startedAt: record[EXCHANGE_AT.startedUs],
      latencyNs: record[EXCHANGE_AT.requestUs] * NS_PER_US,
      http: requestOf(record),
      context: withState(context, record[EXCHANGE_AT.requestState]),
    });
    const responseHead = record[EXCHANGE_AT.responseHead];
    if (responseHead === null) return;
    out.push({
      kind: MessageKind.response,
      id,
      startedAt: record[EXCHANGE_AT.responseStartedUs],
      latencyNs: record[EXCHANGE_AT.responseUs] * NS_PER_US,
      http: HttpMessage.fromHeadText(
        responseHead,
        record[EXCHANGE_AT.responseBody] ?? undefined,
        record[EXCHANGE_AT.responseTrailers] ?? undefined,
      ),
      context: withState(context, record[EXCHANGE_AT.responseState]),
    });
  }

  idOf(exchange: number): string {
    return this.#idPrefix + exchange.toString(16).padStart(ID_HEX_DIGITS, "0");
  }

  contextOf(
    connection: number,
    connectionSeq: number,
    peer: string | null,
    route: string | null,
    tags: readonly string[] | null,
  ): MessageContext {
    return {
      service: this.#service,
      connection,
      connectionSeq,
      peer: peer ?? undefined,
      route: route ?? undefined,
      tags: tags ?? undefined,
      bodyState: undefined,
      failure: undefined,
    };
  }
}

function requestOf(record: ExchangeRecord): HttpMessage {
  const head = {
    method: record[EXCHANGE_AT.method],
    target: record[EXCHANGE_AT.target],
    version: record[EXCHANGE_AT.version],
    headers: record[EXCHANGE_AT.headers],
  };
  return HttpMessage.fromParts(
    head,
    record[EXCHANGE_AT.requestBody] ?? undefined,
    record[EXCHANGE_AT.requestTrailers] ?? undefined,
  );
}

export function withState(context: MessageContext, state: BodyState): MessageContext {
  return state === BodyState.complete ? context : { ...context, bodyState: state };
}
