/**
 * Varied HTTP exchanges, made from a seed: what to send as raw bytes, and what a target must find of it.
 * Knows nothing of mirrorball.
 */
import { createHash } from "node:crypto";
import { METHODS } from "node:http";
import { gzipSync } from "node:zlib";

export interface Planned {
  readonly id: string;
  /** The request as it goes over the wire. */
  readonly bytes: Buffer;
  readonly method: string;
  readonly target: string;
  /** End-to-end fields in order and case, without Host and framing. */
  readonly headers: readonly string[];
  readonly bodySha1: string;
  /** How to send it: alone, behind others on one connection, in two halves, or given up. */
  readonly manner: "alone" | "pipelined" | "continue" | "abort-upload" | "abort-response";
}

/** Methods without a meaning of their own for connections. */
const ALL_METHODS = METHODS.filter((method) => method !== "CONNECT");
const KB = 1024;

/** A small, well-known generator (mulberry32): the same seed gives the same traffic everywhere. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function plan(count: number, seed: number): Planned[] {
  const next = random(seed);
  return Array.from({ length: count }, (_, index) => planOne(index, next));
}

function planOne(index: number, next: () => number): Planned {
  const id = `e2e-${index}`;
  const body = bodyOf(index, next);
  const chunked = body.length > 0 && next() < 0.3;
  const manner = mannerOf(index, body);
  const { method, target } = lineOf(index, next, body, manner, chunked);
  const headers = [
    "X-E2E-Id", id,
    "User-Agent", "traffic/1.0",
    "aCCept", "*/*",
    "Cookie", `a=${index}; b=2`,
    "X-Dup", "1",
    "x-dup", "2",
    ...(index % 5 === 0 ? ["X-Latin", "caf\u00e9"] : []),
    ...(body.length > 0 ? ["Content-Type", index % 2 === 0 ? "application/json" : "application/octet-stream"] : []),
  ]; // prettier-ignore
  const framing = chunked
    ? ["Transfer-Encoding", "chunked"]
    : body.length > 0 || ["POST", "PUT", "PATCH"].includes(method)
      ? ["Content-Length", String(body.length)]
      : [];
  const extra = manner === "continue" ? ["Expect", "100-continue"] : [];
  const head = headText(method, target, ["Host", "shop.test", ...headers, ...framing, ...extra]);
  return {
    id,
    method,
    target,
    headers,
    manner,
    bodySha1: createHash("sha1").update(body).digest("hex"),
    bytes: Buffer.concat([Buffer.from(head, "latin1"), chunked ? enchunk(body, next) : body]),
  };
}

function mannerOf(index: number, body: Buffer): Planned["manner"] {
  if (index % 97 === 0 && body.length > 0) return "continue";
  if (index % 211 === 0 && body.length > 1000) return "abort-upload";
  if (index % 199 === 0 && body.length === 0) return "abort-response";
  return index % 4 === 0 && body.length < 10 * KB ? "pipelined" : "alone";
}

const READING = [
  "/gzip",
  "/stream",
  "/empty",
  "/same",
  "/big",
  "/error",
  "/items?q=%20a%2Fb&x[]=1",
];

function lineOf(
  index: number,
  next: () => number,
  body: Buffer,
  manner: Planned["manner"],
  chunked: boolean,
): { method: string; target: string } {
  const pick = (list: readonly string[]): string => list[Math.floor(next() * list.length)] ?? "";
  if (manner === "abort-response") return { method: "GET", target: "/never" };
  if (body.length > 0) {
    const method =
      manner === "alone" && index % 3 === 0
        ? pick(ALL_METHODS)
        : pick(["POST", "PUT", "PATCH", "DELETE"]);
    // An upload that nobody reads is only known to be whole by its length, when it comes in one piece with its head.
    if (manner === "alone" && !chunked && body.length < KB && index % 13 === 0)
      return { method, target: "/unread" };
    return { method, target: pick([`/things/${index}`, `/caf%C3%A9/${index}?a=1&a=2`]) };
  }
  if (index % 7 === 0) return { method: "HEAD", target: pick(READING) };
  if (index % 11 === 0) return { method: pick(ALL_METHODS), target: `/any/${index}` };
  return {
    method: "GET",
    target: index % 50 === 0 ? "/big" : pick(READING.filter((path) => path !== "/big")),
  };
}

function bodyOf(index: number, next: () => number): Buffer {
  const kind = index % 10;
  if (index % 1000 === 999) return randomBytes(5 * KB * KB, next);
  if (index % 250 === 249) return randomBytes(300 * KB, next);
  if (kind < 5) return Buffer.alloc(0);
  if (kind < 7) return Buffer.from(JSON.stringify({ index, text: "grüße ".repeat(index % 40) }));
  if (kind === 7) return gzipSync(`gzip ${index} `.repeat(50));
  if (kind === 8) return randomBytes(Math.floor(next() * 20 * KB), next);
  return randomBytes(1 + Math.floor(next() * 64), next);
}

function randomBytes(length: number, next: () => number): Buffer {
  const bytes = Buffer.alloc(length);
  const seed = Math.floor(next() * 256);
  for (let i = 0; i < length; i += 1) bytes[i] = (seed + i * 31 + (i >> 8)) & 0xff;
  return bytes;
}

function headText(method: string, target: string, headers: readonly string[]): string {
  let text = `${method} ${target} HTTP/1.1\r\n`;
  for (let i = 0; i + 1 < headers.length; i += 2) text += `${headers[i]}: ${headers[i + 1]}\r\n`;
  return `${text}\r\n`;
}

function enchunk(body: Buffer, next: () => number): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < body.length;) {
    const size = Math.min(body.length - at, 1 + Math.floor(next() * 32 * KB));
    pieces.push(
      Buffer.from(`${size.toString(16)}\r\n`),
      body.subarray(at, at + size),
      Buffer.from("\r\n"),
    );
    at += size;
  }
  return Buffer.concat([...pieces, Buffer.from("0\r\n\r\n")]);
}
