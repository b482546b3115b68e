/** Which interfaces an address means, and which addresses of theirs are captured. Pure: the machine's interfaces come in. */
import { isIP } from "node:net";

/** As `os.networkInterfaces()` gives them: those that are up and have an address. */
export type MachineInterfaces = Readonly<
  Record<string, readonly { readonly address: string; readonly internal: boolean }[] | undefined>
>;

export interface CapturedInterface {
  readonly name: string;
  /** Addresses of the captured side; empty for any. */
  readonly addresses: readonly string[];
}

export function capturedInterfaces(
  host: string,
  machine: MachineInterfaces,
  ignored: readonly string[],
): CapturedInterface[] {
  const everyAddress = Object.values(machine).flatMap((list) => addressesOf(list ?? []));
  return Object.entries(machine).flatMap(([name, list = []]) => {
    if (ignored.includes(name)) return [];
    const own = addressesOf(list);
    // What a machine sends to any address of its own goes over the loopback interface.
    const isLoopback = list.some(({ internal }) => internal);
    const reachable = isLoopback ? everyAddress : own;
    if (isIP(host) !== 0) return reachable.includes(host) ? [{ name, addresses: [host] }] : [];
    // Nothing on it is for anybody else; and it need not be opened anew when an address comes or goes elsewhere.
    return isNamed(host, name) ? [{ name, addresses: isLoopback ? [] : own }] : [];
  });
}

export function isPattern(host: string): boolean {
  return host === "" || host.endsWith("*");
}

function isNamed(host: string, name: string): boolean {
  if (host === "") return true;
  return host.endsWith("*") ? name.startsWith(host.slice(0, -1)) : name === host;
}

/** Without the zone of link-local addresses, which filters do not know. */
function addressesOf(list: readonly { readonly address: string }[]): string[] {
  return list.map(({ address }) => address.split("%", 1).join(""));
}
