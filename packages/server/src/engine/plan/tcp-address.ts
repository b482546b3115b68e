/** Where a flag takes an address that browsers and scrapers open. In: what was typed. Out: the same, or a rule that it breaks. */
import { checkAddress, parseAddress } from "../../component/net/address.ts";
import { Refusal } from "../../component/option.ts";

const TCP_ONLY = new Refusal("must be an address such as :8282 or 127.0.0.1:8282");

/** An address of TCP: browsers open no others. */
export function checkTcpAddress(raw: string): string | Refusal {
  if (raw === "") return raw;
  const checked = checkAddress(raw);
  if (checked instanceof Refusal) return checked.rule.startsWith("must be") ? TCP_ONLY : checked;
  return parseAddress(raw)?.path === undefined ? raw : TCP_ONLY;
}
