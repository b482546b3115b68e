/**
 * What the kernel dropped for want of room in a UDP socket's buffer. Node does not show the counter that comes with each datagram
 * (SO_RXQ_OVFL), but Linux lists it for every socket.
 */
import { readFile } from "node:fs/promises";

const LISTS: readonly string[] = ["/proc/net/udp", "/proc/net/udp6"];
const HEX = 16;

/** Undefined where the system does not tell. */
export async function readSocketDrops(port: number): Promise<number | undefined> {
  const texts = await Promise.all(LISTS.map((list) => readFile(list, "latin1").catch(() => "")));
  return socketDrops(texts.join("\n"), port);
}

/** The sum of the sockets of a port; lines are `sl local remote state … inode ref pointer drops`. */
export function socketDrops(text: string, port: number): number | undefined {
  let sum: number | undefined;
  for (const line of text.split("\n")) {
    const words = line.trim().split(/\s+/);
    const local = words[1]?.split(":")[1];
    if (local === undefined || Number.parseInt(local, HEX) !== port) continue;
    const drops = Number(words[words.length - 1]);
    if (Number.isInteger(drops)) sum = (sum ?? 0) + drops;
  }
  return sum;
}
