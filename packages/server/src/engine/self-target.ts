/**
 * Refuses plans that feed themselves: an output whose target is what an input of the same run listens on or captures
 * would send every request round and round. In: a plan. Out: one line for each such pair. Host names other than this
 * machine's own are not resolved.
 */
import { hostname, networkInterfaces } from "node:os";
import type { Place } from "../component/address.ts";
import { nameOf } from "./names.ts";
import type { Plan } from "./plan.ts";

export function selfTargets({ inputs, outputs }: Pick<Plan, "inputs" | "outputs">): string[] {
  const errors: string[] = [];
  for (const output of outputs) {
    const target = output.declaration.sendsTo?.(output.argument);
    if (target === undefined) continue;
    for (const input of inputs) {
      const source = input.declaration.takesFrom?.(input.argument);
      if (source === undefined || !covers(source, target)) continue;
      errors.push(
        `--${nameOf(output.declaration.name, output.argument)}: --${nameOf(input.declaration.name, input.argument)} takes what is sent there, so that every request would go round in a circle; give another target`,
      );
    }
  }
  return errors;
}

function covers(source: Place, target: Place): boolean {
  if (source.path !== undefined || target.path !== undefined) return source.path === target.path;
  const samePort =
    source.ports.length === 0 ||
    target.ports.some((port) => port > 0 && source.ports.includes(port));
  // An address without a host is this machine to connect to, and all of it to listen on.
  const to = plain(target.host ?? "localhost");
  if (!samePort || !ownNames().has(to)) return false;
  const from = source.host === undefined ? undefined : plain(source.host);
  if (from === undefined || ANY.has(from)) return true;
  // What a machine sends to itself goes over its loopback interface, whatever the address.
  return from === to || from === "lo" || (LOOPBACK.has(from) && LOOPBACK.has(to));
}

const ANY: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);
const LOOPBACK: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "::1"]);

function ownNames(): Set<string> {
  const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  return new Set([
    ...LOOPBACK,
    ...ANY,
    plain(hostname()),
    ...addresses.map(({ address }) => plain(address)),
  ]);
}

function plain(host: string): string {
  const name = host.toLowerCase().replace(/^\[|\]$/g, "");
  // All of 127.0.0.0/8 is this machine.
  return /^127(?:\.\d+){3}$/.test(name) ? "127.0.0.1" : name;
}
