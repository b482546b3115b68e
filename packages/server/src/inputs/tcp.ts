/**
 * `--input-tcp ADDRESS`: takes what SDKs and other mirrorball servers send over the acknowledged protocol, and gor's text stream.
 *
 * In: sockets. Out: batches of messages into the pipeline. A peer that speaks anything else is closed within a
 * second, counted and logged in one line; the others do not notice.
 */
import {
  CREDIT_WINDOW_BYTES,
  FRAME_HEADER_BYTES,
  FRAME_PAYLOAD_BYTES_MAX,
} from "@mirrorball/protocol/messages";
import { checkAddress, placeOf } from "../component/net/address.ts";
import { defineInput } from "../component/define.ts";
import type { InputDeclaration } from "../component/define.ts";
import { flag, integer, size, text, token } from "../component/kinds.ts";
import type { OptionSpec } from "../component/option.ts";

const CONNECTIONS_DEFAULT = 1024;

/** The largest window, unasked, for 32 connections; more of them share. */
const IN_FLIGHT_BYTES_DEFAULT = 2 * 32 * CREDIT_WINDOW_BYTES;

/** Each half of the budget must hold the largest frame. */
export const IN_FLIGHT_BYTES_MIN: number = 2 * (FRAME_PAYLOAD_BYTES_MAX + FRAME_HEADER_BYTES);

const options: {
  secure: OptionSpec<boolean>;
  certificate: OptionSpec<string>;
  certificateKey: OptionSpec<string>;
  clientCa: OptionSpec<string>;
  token: OptionSpec<string>;
  tokenUnbound: OptionSpec<boolean>;
  connections: OptionSpec<number>;
  connectionsPerAddress: OptionSpec<number>;
  inFlightBytes: OptionSpec<number>;
} = {
  secure: flag({
    help: "Accept TLS connections only; needs a certificate and its key.",
    default: false,
  }),
  certificate: text({
    help: "PEM file with the certificate to present.",
    example: "/etc/mirrorball/cert.pem",
    placeholder: "FILE",
    default: "",
  }),
  certificateKey: text({
    help: "PEM file with the certificate's private key.",
    example: "/etc/mirrorball/key.pem",
    placeholder: "FILE",
    default: "",
  }),
  clientCa: text({
    help: "PEM file with the authorities whose client certificates are accepted; without one nobody comes in. SIGHUP reads all certificates again.",
    example: "/etc/mirrorball/clients.pem",
    placeholder: "FILE",
    default: "",
  }),
  token: token({
    help: "Shared secret of at least 16 characters that producers must prove by HMAC, and then we to them; it is never sent. Use it with TLS, to which the proof is bound. A gor cannot prove it and is refused.",
    example: "correct-horse-battery-staple",
  }),
  tokenUnbound: flag({
    help: "Take proofs of the token that are not bound to the TLS channel: a proxy in front of this ends TLS.",
    default: false,
  }),
  connections: integer({
    help: "Connections that may be open at once; more are refused and counted.",
    example: "100",
    default: CONNECTIONS_DEFAULT,
    min: 1,
    max: 100_000,
  }),
  connectionsPerAddress: integer({
    help: "Connections that one address may have open at once.",
    example: "10",
    default: CONNECTIONS_DEFAULT,
    min: 1,
    max: 100_000,
  }),
  inFlightBytes: size({
    flag: "input-tcp-in-flight",
    help: "Bytes that all producers together may have under way, received and not acknowledged or about to be sent; one alone at most 4 MiB. When it is short, they take turns. Never more than an eighth of what V8's heap may hold, from 16 to 256 MiB.",
    example: "64mb",
    default: IN_FLIGHT_BYTES_DEFAULT,
    min: IN_FLIGHT_BYTES_MIN,
  }),
};

export const inputTcp: InputDeclaration<typeof options> = defineInput({
  name: "input-tcp",
  firstPage: "take what services with the SDK send",
  summary:
    "Receive traffic from SDKs, other mirrorball servers and gors; the first bytes tell who speaks.",
  argument: {
    placeholder: "ADDRESS",
    example: ":28020",
    parse: checkAddress,
  },
  takesFrom: placeOf,
  options,
  load: () => import("./tcp/input.ts"),
});
