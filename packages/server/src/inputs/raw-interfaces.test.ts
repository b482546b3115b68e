// Live capture of interfaces that come, go and carry VLAN tags: made for the test, with both engines.
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { isResponseHead } from "@mirrorball/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { startInput } from "../../test/kit-input.ts";
import type { StartedInput } from "../../test/kit-input.ts";
import { Link, whyNoInterfaces } from "../../test/network-kit.ts";
import { ethernet, ipv4, tcp } from "../../test/packet-kit.ts";

const run = promisify(execFile);
const ENGINES = ["libpcap", "tcpdump"];
/** Requests on one connection. */
const BATCH = 100;
const POLL = { timeout: 20_000, interval: 10 };
/** Without the right to make interfaces none can come and go; the title says so. */
const why = whyNoInterfaces();
const title = (text: string): string => (why === "" ? text : `${text} — NOT TESTED HERE: ${why}`);

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

let links = 0;
function link(): Link {
  links += 1;
  const made = new Link(links);
  closers.push(() => made.remove());
  made.make();
  return made;
}

async function capture(engine: string, address: string, ...flags: string[]): Promise<StartedInput> {
  const all = ["--input-raw", address, "--input-raw-engine", engine, "--verbose", "1", ...flags];
  const started = await startInput(all);
  closers.push(() => started.server.stop());
  return started;
}

async function site(): Promise<number> {
  const server = createServer((_, res) => res.end("ok"));
  await new Promise<void>((resolve) => server.listen(0, "0.0.0.0", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const targets = ({ messages }: StartedInput): string[] =>
  messages.map(({ http: { head } }) =>
    head === undefined || isResponseHead(head) ? "?" : head.target,
  );

describe.skipIf(why !== "")(title("interfaces"), () => {
  it.each(ENGINES)("%s: a new one is captured, and its end harms nobody", async (engine) => {
    const port = await site();
    const started = await capture(engine, `:${port}`);
    const said = (text: string) => (): boolean => started.log.some((line) => line.includes(text));

    const made = link();
    made.separate();
    made.up();
    await expect.poll(said(`capturing on ${made.name}`), POLL).toBe(true);
    const visit = async (...[command, words]: [string, string[]]): Promise<void> =>
      void (await run(command, words));
    const url = (host: string, path: string): string[] => ["curl", "-s", `http://${host}:${port}${path}`]; // prettier-ignore
    await visit(...made.farAway(...url(made.address, "/from-afar")));
    await started.arrived(1);

    made.remove();
    await expect.poll(said(`no longer capturing on ${made.name}`), POLL).toBe(true);
    await visit("curl", url("127.0.0.1", "/at-home").slice(1));
    await started.arrived(2);
    expect(targets(started)).toEqual(["/from-afar", "/at-home"]);
  });

  it.each(ENGINES)("%s: a new address costs no packet", async (engine) => {
    const port = await site();
    const made = link();
    made.separate();
    made.up();
    const started = await capture(engine, `${made.name}:${port}`, "--input-raw-track-response");
    const opened = (): number => started.log.filter((line) => line.includes(`: capturing on ${made.name}`)).length; // prettier-ignore
    let sent = 0;
    const visit = async (): Promise<void> => {
      const url = `http://${made.address}:${port}/${sent}/[1-${BATCH}]`;
      const [command, words] = made.farAway("curl", "-s", url);
      await run(command, words);
      sent += BATCH;
    };
    await visit();
    made.addAddress();
    while (opened() < 2) await visit();
    await visit();
    await started.arrived(sent * 2);
    const { lost, inputs } = await started.server.stop();
    expect(lost).toBe(0);
    expect(inputs[0]?.stats.figures).toMatchObject({
      requests: sent,
      responses: sent,
      bytesLost: 0,
    });
    expect(new Set(targets(started)).size).toBe(sent + 1);
  });

  it.each(ENGINES)("%s: VLAN tags, one and two", async (engine) => {
    const made = link();
    made.up();
    const near = `${made.name}:80`;
    const tagged = await capture(engine, near, "--input-raw-vlan");
    const sevens = await capture(engine, near, "--input-raw-vlan-vid", "7");
    const eights = await capture(engine, near, "--input-raw-vlan-vid", "8");
    const nested = await capture(engine, near, "--input-raw-vlan-vid", "7", "--input-raw-vlan-vid", "7"); // prettier-ignore
    const frames = (path: string, sourcePort: number, tags: number[]): Buffer[] => {
      const send = (sequence: number, flags: string, payload = ""): Buffer =>
        ethernet(
          ipv4(tcp({ sourcePort, sequence, flags, payload }), { destination: made.address }),
          0x0800,
          tags,
        );
      return [send(0, "S"), send(1, "A"), send(1, "PA", `GET ${path} HTTP/1.1\r\n\r\n`)];
    };
    made.send([
      ...frames("/none", 1001, []),
      ...frames("/one", 1002, [0x8100]),
      ...frames("/two", 1003, [0x88a8, 0x8100]),
    ]);
    await Promise.all([tagged.arrived(1), sevens.arrived(1), nested.arrived(1)]);
    for (const { server } of [tagged, sevens, eights, nested]) await server.stop();
    expect(targets(tagged)).toContain("/one");
    expect(targets(tagged)).not.toContain("/none");
    expect(targets(sevens)).toContain("/one");
    expect(targets(eights)).toEqual([]);
    expect(targets(nested)).toEqual(["/two"]);
  });
});
