/**
 * Refuses plans that feed themselves: an output that sends to what an input of the same run listens on or captures, or that writes
 * what one reads, would send every request round and round. In: a plan. Out: one line for each such pair. Host names other than
 * this machine's own are not resolved.
 */
import { isIP } from "node:net";
import { hostname, networkInterfaces } from "node:os";
import type { Place } from "../../component/net/address.ts";
import { isSameFile } from "../../files/same-file.ts";
import { nameOf } from "./names.ts";
import type { Plan, PlannedInput, PlannedOutput } from "./planned.ts";

export function selfTargets({ inputs, outputs }: Pick<Plan, "inputs" | "outputs">): string[] {
  const own = ownAddresses();
  return outputs.flatMap((output) => inputs.flatMap((input) => circleOf(input, output, own) ?? []));
}

function circleOf(
  input: PlannedInput,
  output: PlannedOutput,
  own: OwnAddresses,
): string | undefined {
  const to = `--${nameOf(output.declaration.name, output.argument)}`;
  const from = `--${nameOf(input.declaration.name, input.argument)}`;
  const path = output.declaration.writes?.(output.argument, output.options);
  if (
    path !== undefined &&
    input.declaration.reads?.(input.argument, input.options, path) === true
  ) {
    return `${to}: ${from} reads what is written there, so that records would go round in a circle; give another file`;
  }
  const target = output.declaration.sendsTo?.(output.argument);
  const source = input.declaration.takesFrom?.(input.argument, input.options);
  if (target === undefined || source === undefined || !covers(source, target, own))
    return undefined;
  return `${to}: ${from} takes what is sent there, so that every request would go round in a circle; give another target`;
}

function covers(source: Place, target: Place, own: OwnAddresses): boolean {
  if (source.path !== undefined || target.path !== undefined) {
    if (source.path === undefined || target.path === undefined) return false;
    return isSameFile(source.path, target.path);
  }
  const samePort =
    source.ports.length === 0 ||
    target.ports.some((port) => port > 0 && source.ports.includes(port));
  return (
    samePort && own.reachedBy(target.host).some((address) => own.isTaken(source.host, address))
  );
}

const LOOPBACK = ["127.0.0.1", "::1"] as const;
/** What a machine sends to itself goes over this interface, whatever the address. */
const LOOPBACK_INTERFACE = /^lo\d*\*?$/;

interface OwnAddresses {
  /** The addresses of this machine that somebody who connects to `host` may reach; an address without a host is this machine. */
  reachedBy(host: string | undefined): string[];
  /** Whether an input at `host` takes what this machine sends to its own `address`. */
  isTaken(host: string | undefined, address: string): boolean;
}

function ownAddresses(): OwnAddresses {
  const addresses = Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .map(({ address }) => plain(address));
  const own = new Set([...LOOPBACK, ...addresses]);
  const name = plain(hostname());
  const named = (host: string): readonly string[] =>
    host === "localhost" ? LOOPBACK : host === name ? [...own] : [host];
  return {
    reachedBy: (host) => {
      const to = plain(host ?? "localhost");
      // To connect to "any" is to connect to this machine.
      if (to === "0.0.0.0") return [LOOPBACK[0]];
      if (to === "::") return [LOOPBACK[1]];
      // All of 127.0.0.0/8 is this machine.
      return named(to).filter((address) => own.has(address) || /^127(?:\.\d+){3}$/.test(address));
    },
    isTaken: (host, address) => {
      const at = host === undefined ? "::" : plain(host);
      // A listener at :: takes both families.
      if (at === "::" || LOOPBACK_INTERFACE.test(at)) return true;
      if (at === "0.0.0.0") return isIP(address) === 4;
      return named(at).includes(address);
    },
  };
}

/** One spelling for each address: IPv6 as URLs have it, IPv4 that is written as IPv6 as IPv4. */
function plain(host: string): string {
  const name = host
    .toLowerCase()
    .split("%", 1)
    .join("")
    .replace(/^\[|\]$/g, "");
  if (isIP(name) !== 6) return name;
  const short = new URL(`http://[${name}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([\da-f]+):([\da-f]+)$/.exec(short);
  if (mapped === null) return short;
  const [high, low] = [Number.parseInt(mapped[1] ?? "", 16), Number.parseInt(mapped[2] ?? "", 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}
