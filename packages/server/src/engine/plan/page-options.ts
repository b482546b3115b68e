/** The flags of the page that a run shows itself on (`--page`). What they do is in `engine/open-admin.ts` and `admin/`. */
import { flag, list, size, text } from "../../component/kinds.ts";
import type { OptionSpec } from "../../component/option.ts";
import { checkTcpAddress } from "./tcp-address.ts";

const MEMORY_BYTES_DEFAULT: number = 64 * 1024 * 1024;
const MEMORY_BYTES_MIN: number = 1024 * 1024;

export const pageOptions: {
  page: OptionSpec<string>;
  pageTokenFile: OptionSpec<string>;
  pageHost: OptionSpec<readonly string[]>;
  pageMemoryBytes: OptionSpec<number>;
  pageSecure: OptionSpec<boolean>;
  pageCertificate: OptionSpec<string>;
  pageCertificateKey: OptionSpec<string>;
  pageClientCa: OptionSpec<string>;
} = {
  page: {
    ...text({
      flag: "page",
      firstPage: "see the traffic and what differs, in a browser",
      help: "Serve a page that shows the traffic, what differs and the books. The address to open is printed; it holds a token that works once. Without a host it listens on this machine only.",
      example: ":8282",
      placeholder: "ADDRESS",
      default: "",
    }),
    parse: checkTcpAddress,
  },
  pageTokenFile: text({
    flag: "page-token-file",
    help: "Keep the page's address with the token that works now in this file, readable by this user only.",
    example: "/run/mirrorball/page",
    placeholder: "FILE",
    default: "",
  }),
  pageHost: list(
    text({
      flag: "page-host",
      help: "A name under which the page may be asked for, beside addresses and localhost; may be given several times.",
      example: "mirrorball.internal",
      placeholder: "NAME",
      default: "",
    }),
  ),
  pageMemoryBytes: size({
    flag: "page-memory",
    help: "Bytes of exchanges that are kept for the page, the newest ones.",
    example: "256mb",
    default: MEMORY_BYTES_DEFAULT,
    min: MEMORY_BYTES_MIN,
  }),
  pageSecure: flag({
    flag: "page-secure",
    help: "Serve the page by TLS; needs a certificate and its key.",
    default: false,
  }),
  pageCertificate: text({
    flag: "page-certificate",
    help: "PEM file with the certificate that the page presents.",
    example: "/etc/mirrorball/cert.pem",
    placeholder: "FILE",
    default: "",
  }),
  pageCertificateKey: text({
    flag: "page-certificate-key",
    help: "PEM file with that certificate's private key.",
    example: "/etc/mirrorball/key.pem",
    placeholder: "FILE",
    default: "",
  }),
  pageClientCa: text({
    flag: "page-client-ca",
    help: "PEM file with the authorities whose client certificates the page asks for; without one nobody comes in.",
    example: "/etc/mirrorball/people.pem",
    placeholder: "FILE",
    default: "",
  }),
};
