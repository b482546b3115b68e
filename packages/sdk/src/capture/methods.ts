/**
 * The four methods of Node's that are replaced while there are mirrors: `push` of requests and `write`, `end` and `addTrailers` of
 * responses. On the prototypes (on each object it would cost four times as much). They call the original with what they got
 * and return what it returns; what passes is told to `Taps`. Knows nothing of what becomes of it.
 */
import { IncomingMessage, ServerResponse } from "node:http";
import { ResponsePhase } from "../exchange/exchange.ts";
import type { Exchange } from "../exchange/exchange.ts";
import { nowUs } from "../exchange/clock.ts";

/** None of these may throw. */
export interface Taps {
  readonly exchangeOfRequest: (req: IncomingMessage) => Exchange | undefined;
  readonly exchangeOfResponse: (res: ServerResponse) => Exchange | undefined;
  readonly requestBytes: (exchange: Exchange, chunk: unknown) => void;
  readonly responseBytes: (
    exchange: Exchange,
    chunk: unknown,
    encoding: unknown,
    atUs: number,
    last: boolean,
  ) => void;
  /** `end` was called, with these arguments. */
  readonly ended: (exchange: Exchange, chunk: unknown, encoding: unknown) => void;
}

type Push = IncomingMessage["push"];
type Write = (
  this: ServerResponse,
  chunk: unknown,
  encoding: unknown,
  callback: unknown,
) => boolean;
type End = (
  this: ServerResponse,
  chunk: unknown,
  encoding: unknown,
  callback: unknown,
) => ServerResponse;
type AddTrailers = ServerResponse["addTrailers"];

/**
 * What another library has wrapped stays below its wrapper when it is given back: then it must only pass calls on, also when the
 * methods are replaced again above it.
 */
interface Gate {
  isOpen: boolean;
}

/** Replaces the methods; returns how to give them back, or undefined when they cannot be replaced. */
export function replaceMethods(taps: Taps): (() => void) | undefined {
  const gate: Gate = { isOpen: true };
  const requests: { push: Push } = IncomingMessage.prototype;
  const responses = ServerResponse.prototype as unknown as {
    write: Write;
    end: End;
    addTrailers: AddTrailers;
  };
  const undo = [
    replace(requests, "push", pushBefore(requests.push, taps, gate)),
    replace(responses, "write", writeBefore(responses.write, taps, gate)),
    replace(responses, "end", endBefore(responses.end, taps, gate)),
    replace(responses, "addTrailers", addTrailersBefore(responses.addTrailers, taps, gate)),
  ];
  const restore = (): void => {
    gate.isOpen = false;
    for (const step of undo) step?.();
  };
  if (!undo.includes(undefined)) return restore;
  restore();
  return undefined;
}

function pushBefore(original: Push, { exchangeOfRequest, requestBytes }: Taps, gate: Gate): Push {
  return function mirrorballPush(this: IncomingMessage, chunk, encoding) {
    const exchange = gate.isOpen ? exchangeOfRequest(this) : undefined;
    if (exchange !== undefined) requestBytes(exchange, chunk);
    return original.call(this, chunk, encoding);
  };
}

// Three named arguments, not `...args`: the originals tell their overloads apart by type, never by number, and the rest
// array costs 19 µs a request of Express's JSON hello (measured; V8 no longer inlines what is behind it).
function writeBefore(
  original: Write,
  { exchangeOfResponse, responseBytes }: Taps,
  gate: Gate,
): Write {
  return function mirrorballWrite(chunk, encoding, callback) {
    const exchange = gate.isOpen ? exchangeOfResponse(this) : undefined;
    // What is written to a response that has ended goes nowhere.
    if (exchange === undefined || exchange.responsePhase !== ResponsePhase.open) {
      return original.call(this, chunk, encoding, callback);
    }
    const more = original.call(this, chunk, encoding, callback);
    responseBytes(exchange, chunk, encoding, nowUs(), false);
    return more;
  };
}

function endBefore(original: End, { exchangeOfResponse, ended }: Taps, gate: Gate): End {
  return function mirrorballEnd(chunk, encoding, callback) {
    const exchange = gate.isOpen ? exchangeOfResponse(this) : undefined;
    if (exchange === undefined || exchange.responsePhase !== ResponsePhase.open) {
      return original.call(this, chunk, encoding, callback);
    }
    const self = original.call(this, chunk, encoding, callback);
    ended(exchange, chunk, encoding);
    return self;
  };
}

function addTrailersBefore(
  original: AddTrailers,
  { exchangeOfResponse }: Taps,
  gate: Gate,
): AddTrailers {
  return function mirrorballAddTrailers(this: ServerResponse, fields) {
    const exchange = gate.isOpen ? exchangeOfResponse(this) : undefined;
    if (exchange !== undefined) exchange.hasResponseTrailers = true;
    original.call(this, fields);
  };
}

/**
 * Sets `name` on `target`; the returned function puts back what was there, unless somebody replaced it after us. Neither
 * throws; undefined when `target` is frozen.
 */
function replace(target: object, name: string, value: unknown): (() => void) | undefined {
  const before = Object.getOwnPropertyDescriptor(target, name);
  const done = Reflect.defineProperty(target, name, {
    value,
    writable: true,
    configurable: true,
    enumerable: before?.enumerable ?? false,
  });
  if (!done) return undefined;
  return () => {
    const now = Object.getOwnPropertyDescriptor(target, name);
    // Left in place below another library's replacement: without exchanges it only passes calls on.
    if (now?.value !== value) return;
    if (before === undefined) Reflect.deleteProperty(target, name);
    else Reflect.defineProperty(target, name, before);
  };
}
