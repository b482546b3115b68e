/**
 * The door for plugins, `@mirrorball/server/plugin`: the types of `--middleware ./plugin.mjs`, and a function that does
 * nothing but give them to an editor.
 *
 *     import { definePlugin } from "@mirrorball/server/plugin";
 *
 *     export const plugin = definePlugin({
 *       onRequest(request) {
 *         if (request.target.startsWith("/health")) return false;
 *         request.setHeader("Authorization", "Bearer staging");
 *       },
 *     });
 */
import type { MessageContext } from "@mirrorball/protocol";

export interface PluginMessage {
  /** Shared by a request, its response and its replayed response. */
  readonly id: string;
  /** When it began, in milliseconds since the Unix epoch. */
  readonly startedAtMs: number;
  /** As gor defines it for the kind: first to last byte, or the round trip of a replayed response. */
  readonly latencyMs: number | undefined;
  /** What else is known: service, peer, route, tags. */
  readonly context: Readonly<MessageContext>;
  /** True when its bytes are no HTTP/1: it may be passed on or dropped, not edited. */
  readonly malformed: boolean;
  /** The first field of that name, in any case. */
  header(name: string): string | undefined;
  /** Name and value of every field, in order. */
  headers(): [name: string, value: string][];
  /** Replaces the value of the first field of that name, or appends one. */
  setHeader(name: string, value: string): void;
  addHeader(name: string, value: string): void;
  /** Removes every field of that name. */
  deleteHeader(name: string): void;
  /** Content: without chunks, still compressed when it was. */
  readonly body: Uint8Array;
  /** The body as UTF-8 text. */
  readonly text: string;
  /** The length is put right. A string is plain text, so `Content-Encoding` goes. */
  setBody(content: string | Uint8Array): void;
}

export interface PluginRequest extends PluginMessage {
  method: string;
  /** Path and query, as recorded. */
  target: string;
  /** A parameter of the query, decoded. */
  param(name: string): string | undefined;
  /** Replaces the first parameter of that name, or appends one; the rest of the target stays as it is. */
  setParam(name: string, value: string): void;
}

export interface PluginResponse extends PluginMessage {
  status: number;
}

export interface PluginContext<State extends object = Record<string, unknown>> {
  /** One object for each exchange, by id. Bounded: after some 65,000 exchanges the oldest are forgotten. */
  readonly exchange: Partial<State>;
}

/** `false` drops the message; anything else passes it on, as it is then. */
export type PluginAnswer = false | void | Promise<false | void>;

export interface Plugin<State extends object = Record<string, unknown>> {
  onRequest?(request: PluginRequest, context: PluginContext<State>): PluginAnswer;
  /** The original response. */
  onResponse?(response: PluginResponse, context: PluginContext<State>): PluginAnswer;
  /** The replayed response; needs `--output-http-track-response`. */
  onReplay?(response: PluginResponse, context: PluginContext<State>): PluginAnswer;
}

export function definePlugin<State extends object = Record<string, unknown>>(
  plugin: Plugin<State>,
): Plugin<State> {
  return plugin;
}
