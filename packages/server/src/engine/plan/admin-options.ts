/** The flags of what operators and their tools look at beside the traffic (`--admin`). What they do is in `engine/open-admin.ts` and `admin/`. */
import { list, text, token } from "../../component/kinds.ts";
import type { OptionSpec } from "../../component/option.ts";
import { checkTcpAddress } from "./tcp-address.ts";

export const adminOptions: {
  admin: OptionSpec<string>;
  adminToken: OptionSpec<string>;
  adminHost: OptionSpec<readonly string[]>;
} = {
  admin: {
    ...text({
      flag: "admin",
      help: "Serve metrics at /metrics, health at /healthz and /readyz, and the counters at /debug/vars. It may be the address of --page, whose TLS it has then. Without a host it listens on this machine only.",
      example: ":9090",
      placeholder: "ADDRESS",
      default: "",
    }),
    parse: checkTcpAddress,
  },
  adminToken: token({
    flag: "admin-token",
    help: "Who asks for metrics or counters must send this token of at least 16 characters (Authorization: Bearer …). Health needs none.",
    example: "correct-horse-battery",
  }),
  adminHost: list(
    text({
      flag: "admin-host",
      help: "A name under which metrics and health may be asked for without a token, beside addresses and localhost; may be given several times.",
      example: "mirrorball.internal",
      placeholder: "NAME",
      default: "",
    }),
  ),
};
