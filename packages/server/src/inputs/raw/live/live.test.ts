// Which interfaces are open, as the machine's come, go and change: with and without the privilege to open new ones.
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { EngineError } from "../engine.ts";
import type { LiveOptions, LiveSource } from "../engine.ts";
import type { MachineInterfaces } from "./interfaces.ts";
import { isPlace } from "../../../../test/kit.ts";
import { LiveCapture } from "./live.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const lo = [{ address: "127.0.0.1", internal: true }];
const at = (address: string): MachineInterfaces[string] => [{ address, internal: false }];

interface Stage {
  readonly live: LiveCapture;
  /** Names of what is open now, each with the address of its filter. */
  open(): string[];
  readonly log: string[];
  /** The machine has these now, and a second has gone by. */
  change(machine: MachineInterfaces): Promise<void>;
  /** The largest number of sources that handed on packets at the same time. */
  most(): number;
  /** The interface is gone, and its source is the first to know. */
  breakOff(name: string): void;
  deny: boolean;
  /** The machine does not tell its interfaces. */
  blind: boolean;
  /** Sources fail when they are closed. */
  stuck: boolean;
}

function stage(first: MachineInterfaces, becomes?: string, host = ""): Stage {
  let machine = first;
  const open = new Map<LiveSource, LiveOptions>();
  const gone = new Map<string, (reason: string) => void>();
  const log: string[] = [];
  let most = 0;
  const live = new LiveCapture(
    async (options, events) => {
      if (made.deny) throw new EngineError(`no permission to capture on ${options.interfaceName}`);
      const source: LiveSource = {
        begin: () => {
          open.set(source, options);
          most = Math.max(most, open.size);
        },
        drops: () => ({ kernel: 1, interface: 0, overload: 0 }),
        close: async () => {
          open.delete(source);
          if (made.stuck) throw new Error("cannot be closed");
        },
      };
      gone.set(options.interfaceName, events.gone);
      return source;
    },
    {
      host,
      filter: { ports: [80], trackResponses: false, vlan: false, vlanIds: [] },
      customFilter: "",
      ignoredInterfaces: ["docker0"],
      source: {
        snapLengthBytes: 1,
        bufferBytes: 1,
        bufferTimeoutMs: 1,
        promiscuous: false,
        monitor: false,
        timestampType: "",
        becomes,
      },
    },
    {
      sink: { packet: () => {} },
      burst: () => {},
      tick: () => {},
      clock: { nowUs: () => 0, monotonicMs: () => 0 },
      log: { warn: (line) => isPlace(line) || log.push(line), debug: () => {} },
      machine: () => {
        if (made.blind) throw new Error("too many open files");
        return machine;
      },
    },
  );
  const made: Stage = {
    live,
    log,
    deny: false,
    blind: false,
    stuck: false,
    most: () => most,
    open: () =>
      [...open.values()]
        .map(
          ({ interfaceName, filter }) =>
            interfaceName + (/ [\d.]+\.\d+(?=\)$)/.exec(filter)?.[0] ?? ""),
        )
        .toSorted((a, b) => (a < b ? -1 : 1)),
    change: async (now) => {
      machine = now;
      await vi.advanceTimersByTimeAsync(1000);
    },
    breakOff: (name) => gone.get(name)?.("the interface went away"),
  };
  return made;
}

it("takes up new interfaces, gives up vanished ones, opens changed ones anew", async () => {
  const made = stage({ lo, docker0: at("10.9.0.1") });
  await made.live.start();
  expect(made.open()).toEqual(["lo"]);
  await made.change({ lo, eth0: at("10.0.0.1") });
  expect(made.open()).toEqual(["eth0 10.0.0.1", "lo"]);
  await made.change({ lo, eth0: at("10.0.0.2") });
  expect(made.open()).toEqual(["eth0 10.0.0.2", "lo"]);
  await made.change({ lo });
  expect(made.open()).toEqual(["lo"]);
  // What the two closed sources had counted stays in the sum, once.
  expect(made.live.drops().kernel).toBe(3);
  expect(made.most()).toBe(2);
  await made.live.stop();
  expect(made.open()).toEqual([]);
  expect(made.log.filter((line) => !/packets are being dropped/.test(line))).toEqual([]);
});

it("waits for an interface of a name that does not exist yet, and takes it up each time it comes", async () => {
  const made = stage({ lo }, undefined, "tun*");
  await made.live.start();
  expect(made.log).toEqual(["waiting for an interface named tun*"]);
  for (const address of ["10.8.0.1", "10.8.0.1"]) {
    await made.change({ lo, tun0: at(address) });
    expect(made.open()).toEqual([`tun0 ${address}`]);
    made.breakOff("tun0");
    await made.change({ lo });
    expect(made.open()).toEqual([]);
  }
  await made.live.stop();
});

it("tries an interface that it may not open once, and again when it comes back", async () => {
  const made = stage({ lo });
  await made.live.start();
  made.deny = true;
  const both = { lo, wg0: at("10.7.0.1") };
  for (const _ of [1, 2, 3]) await made.change(both);
  expect(made.log.filter((line) => /wg0/.test(line))).toHaveLength(1);
  await made.change({ lo });
  await made.change(both);
  expect(made.log.filter((line) => /wg0/.test(line))).toHaveLength(2);
  made.deny = false;
  await made.change({ lo });
  await made.change(both);
  expect(made.open()).toContain("wg0 10.7.0.1");
  await made.live.stop();
});

it("goes on when the machine does not tell its interfaces for a while, or one cannot be closed", async () => {
  const made = stage({ lo });
  await made.live.start();
  made.blind = true;
  for (const _ of [1, 2, 3]) await made.change({ lo, eth0: at("10.0.0.1") });
  expect(made.open()).toEqual(["lo"]);
  expect(made.log.filter((line) => /too many open files/.test(line))).toHaveLength(1);
  made.blind = false;
  made.stuck = true;
  await made.change({ lo, eth0: at("10.0.0.1") });
  expect(made.open()).toEqual(["eth0 10.0.0.1", "lo"]);
  made.breakOff("eth0");
  await made.change({ lo });
  made.stuck = false;
  await made.change({ lo, eth0: at("10.0.0.1") });
  await made.change({ lo, eth0: at("10.0.0.1") });
  expect(made.open()).toEqual(["eth0 10.0.0.1", "lo"]);
  await made.live.stop();
});

it("without the privilege keeps what it has, and says so once", async () => {
  const made = stage({ lo, eth0: at("10.0.0.1") }, "nobody");
  await made.live.start();
  expect(made.log[0]).toMatch(/interfaces that appear later are not captured: as nobody/);
  const opened = made.open();
  made.deny = true;
  for (const _ of [1, 2, 3]) await made.change({ lo, eth0: at("10.0.0.2"), wg0: at("10.7.0.1") });
  expect(made.open()).toEqual(opened);
  const said = made.log.filter((line) => !/packets are being dropped/.test(line)).slice(1);
  expect(said).toHaveLength(2);
  expect(said.join("\n")).toMatch(
    /eth0 has other addresses now, and .* goes on with the old ones: no permission .* on eth0 \(this process became nobody/,
  );
  expect(said.join("\n")).toMatch(/no permission to capture on wg0 \(this process became nobody/);
  await made.live.stop();
});

it("refuses to wait for what it could not open", async () => {
  await expect(stage({ lo }, "nobody", "tun*").live.start()).rejects.toThrow(
    /named tun\*, and as nobody none could be opened later; leave --drop-privileges out/,
  );
});
