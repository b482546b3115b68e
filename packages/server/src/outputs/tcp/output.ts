/** What `--output-tcp` is when it runs: a sender of frames or of gor's stream. */
import { ADDRESS_RULE, parseAddress } from "../../component/net/address.ts";
import { Certificates } from "./certificates.ts";
import { FrameSender } from "./frame-sender.ts";
import { GorSender } from "./gor-sender.ts";
import type { TcpOptions } from "../tcp.ts";
import type { Output, OutputContext } from "../../component/types.ts";

export function create(context: OutputContext, argument: string, values: TcpOptions): Output {
  const address = parseAddress(argument);
  if (address === undefined) throw new Error(`${argument} ${ADDRESS_RULE}`);
  const { clock, log } = context;
  const certificates = new Certificates(values, address.host ?? "localhost", clock, log);
  const link = { address, tls: () => certificates.options, name: argument };
  const { reload } = certificates;
  if (values.format === "mirrorball") {
    return new FrameSender(context, {
      link,
      token: values.token === "" ? undefined : values.token,
      reload,
    });
  }
  if (values.token !== "") {
    throw new Error(
      "--output-tcp-token: gor's stream knows no token; leave it or --output-tcp-format gor out",
    );
  }
  const { workers, sticky } = values;
  return new GorSender(context, { link, workers, sticky, reload });
}
