/**
 * `--output-tcp ADDRESS`: passes everything on to another server: to a mirrorball in acknowledged frames, which lose and double
 * nothing, or to a gor in its text stream. Which of the two is spoken is chosen here; how, is in `tcp/`.
 */
import { MessageKind } from "@mirrorball/protocol/messages";
import { checkAddress, placeOf } from "../component/net/address.ts";
import { defineOutput } from "../component/define.ts";
import type { OutputDeclaration } from "../component/define.ts";
import { choice, flag, integer, text, token } from "../component/kinds.ts";
import type { OptionSpec } from "../component/option.ts";
import type { OptionValues } from "../component/option.ts";

const options: {
  format: OptionSpec<"mirrorball" | "gor">;
  workers: OptionSpec<number>;
  sticky: OptionSpec<boolean>;
  secure: OptionSpec<boolean>;
  skipVerify: OptionSpec<boolean>;
  ca: OptionSpec<string>;
  certificate: OptionSpec<string>;
  certificateKey: OptionSpec<string>;
  token: OptionSpec<string>;
} = {
  format: choice(["mirrorball", "gor"], {
    help: "What the other server understands: mirrorball's acknowledged frames, or gor's text stream (requests and original responses only, without acknowledgement).",
    example: "gor",
    default: "mirrorball",
  }),
  workers: integer({
    help: "Connections of a gor stream. Frames need one, which keeps order.",
    example: "4",
    default: 10,
    min: 1,
    max: 1000,
  }),
  sticky: flag({
    help: "In a gor stream, send a request and its response over the same connection, chosen by a hash of their id, instead of in turns. Frames always do.",
    default: false,
  }),
  secure: flag({ help: "Connect by TLS and verify the certificate.", default: false }),
  skipVerify: flag({ help: "With TLS, do not verify the certificate.", default: false }),
  ca: text({
    help: "PEM file of the authorities to trust instead of the system's.",
    example: "/etc/mirrorball/ca.pem",
    placeholder: "FILE",
    default: "",
  }),
  certificate: text({
    help: "PEM file with the certificate to show to a server that asks for one (its --input-tcp-client-ca). SIGHUP reads all certificates again.",
    example: "/etc/mirrorball/forwarder.pem",
    placeholder: "FILE",
    default: "",
  }),
  certificateKey: text({
    help: "PEM file with that certificate's private key.",
    example: "/etc/mirrorball/forwarder.key",
    placeholder: "FILE",
    default: "",
  }),
  token: token({
    help: "Shared secret of at least 16 characters to prove to the other server, and it to us, by HMAC; it is never sent. Use it with TLS. With frames only.",
    example: "correct-horse-battery-staple",
  }),
};

export const outputTcp: OutputDeclaration<typeof options> = defineOutput({
  name: "output-tcp",
  summary: "Pass everything on to another mirrorball, or to a gor.",
  argument: {
    placeholder: "ADDRESS",
    example: "replay.internal:28020",
    parse: checkAddress,
  },
  accepts: [MessageKind.request, MessageKind.response, MessageKind.replayed],
  sendsTo: placeOf,
  options,
  load: () => import("./tcp/output.ts"),
});

export type TcpOptions = OptionValues<typeof options>;
