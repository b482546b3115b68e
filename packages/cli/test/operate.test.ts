// What `examples/operate/` has for operators, each file by the tool that it is for: Prometheus', systemd's, logrotate.
import { execFileSync, spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
} from "node:fs";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mirrorball, root } from "./processes.ts";
import { have } from "./programs.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "mirrorball-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string): string => `${root}examples/operate/${name}`;
const textOf = (name: string): string => readFileSync(at(name), "utf8");

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly description: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly fieldConfig: { readonly defaults: { readonly unit: string } };
  readonly targets: readonly { readonly refId: string; readonly expr: string }[];
} // prettier-ignore

const GRID_COLUMNS = 24;

function panels(): readonly Panel[] {
  return (JSON.parse(textOf("dashboard.json")) as { readonly panels: readonly Panel[] }).panels;
}

describe("the alert rules", () => {
  it.runIf(have("promtool"))("wake somebody for what they should, by promtool", () => {
    const promtool = (...words: string[]): string =>
      execFileSync("promtool", words, { encoding: "utf8" });
    expect(promtool("check", "rules", at("alerts.yaml"))).toContain("SUCCESS");
    expect(promtool("test", "rules", at("alerts.test.yaml"))).toContain("SUCCESS");
  });

  it("are each tried twice: once awake, once asleep", () => {
    const names = [...textOf("alerts.yaml").matchAll(/ alert: (\w+)/g)].map(([, name]) => name);
    expect(names.length).toBeGreaterThan(4);
    const tests = textOf("alerts.test.yaml");
    for (const name of names) {
      expect(tests).toMatch(new RegExp(`alertname: ${name}\\n\\s+exp_alerts:\\n\\s+- exp_labels`));
      expect(tests).toMatch(new RegExp(`alertname: ${name}(?: \\}|\\n\\s+- |\\n\\n)`));
    }
  });
});

describe("the dashboard", () => {
  it("has panels that say what they show, each in a place of its own", () => {
    const taken = new Map<string, number>();
    for (const { id, title, description, gridPos, fieldConfig, targets } of panels()) {
      for (const word of [title, description, fieldConfig.defaults.unit]) expect(word).not.toBe("");
      expect(targets.length).toBeGreaterThan(0);
      const { x, y, w, h } = gridPos;
      expect(x + w).toBeLessThanOrEqual(GRID_COLUMNS);
      for (let row = y; row < y + h; row += 1) {
        for (let column = x; column < x + w; column += 1) {
          expect(taken.get(`${row} ${column}`), title).toBeUndefined();
          taken.set(`${row} ${column}`, id);
        }
      }
    }
    const ids = panels().map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it.runIf(have("promtool"))("asks what Prometheus understands, by promtool", () => {
    const rules = panels().flatMap(({ id, targets }) =>
      targets.map(({ refId, expr }) => ({
        record: `panel:${id}:${refId}`,
        expr: expr
          .replaceAll("$instance", ".*")
          .replaceAll("$__rate_interval", "5m")
          .replaceAll("$__range", "1h"),
      })),
    );
    const file = join(folder, "panels.json");
    // JSON is YAML.
    writeFileSync(file, JSON.stringify({ groups: [{ name: "panels", rules }] }));
    const told = execFileSync("promtool", ["check", "rules", file], { encoding: "utf8" });
    expect(told).toContain(`SUCCESS: ${rules.length} rules found`);
  });
});

describe("the unit", () => {
  it.runIf(have("systemd-analyze"))("is what systemd takes, alone and with the right to capture", () => {
    // It looks for the program, which is not installed here.
    const unit = textOf("mirrorball.service").replace("/usr/local/bin/mirrorball", process.execPath);
    const file = join(folder, "mirrorball.service");
    writeFileSync(file, unit);
    expect(complaintsOf(file)).toEqual([]);
    mkdirSync(`${file}.d`);
    copyFileSync(at("capture.conf"), join(`${file}.d`, "capture.conf"));
    expect(complaintsOf(file)).toEqual([]);
    // It does complain, of the one and of the other.
    writeFileSync(file, unit.replace("PrivateTmp=", "PrivateTemp="));
    const wrong = textOf("capture.conf").replace("AmbientCapabilities=", "AmbientRights=");
    writeFileSync(join(`${file}.d`, "capture.conf"), wrong);
    const complaints = complaintsOf(file).join("\n");
    for (const key of ["PrivateTemp", "AmbientRights"]) expect(complaints).toContain(key);
  }); // prettier-ignore

  it("waits longer for the end than the server takes for it", () => {
    const seconds = Number(/^TimeoutStopSec=(\d+)$/m.exec(textOf("mirrorball.service"))?.[1]);
    const reference = readFileSync(`${root}docs/reference/run.md`, "utf8");
    const drain = /## `--drain-timeout[\s\S]*?Default: `?(\d+)s/.exec(reference)?.[1];
    expect(seconds).toBeGreaterThan(Number(drain));
  });
});

/** What systemd says of this unit; of others of this machine it may say more. */
function complaintsOf(file: string): string[] {
  const { error, status, stderr } = spawnSync("systemd-analyze", ["verify", file], {
    encoding: "utf8",
  });
  if (error !== undefined) throw error;
  const lines = stderr.split("\n").filter((line) => line.includes("mirrorball"));
  return status === 0 ? lines : [...lines, `exit code ${status}`];
}

describe("the logrotate snippet", () => {
  const recordsIn = (file: string): number =>
    existsSync(file) ? readFileSync(file, "utf8").split("🐵").length - 1 : 0;

  it.runIf(have("logrotate"))("moves a recording away, the server begins a new one, and nothing is lost", async () => {
    const recordings = join(folder, "recordings");
    mkdirSync(recordings, { mode: 0o700 });
    const file = join(recordings, "a.gor");
    const program = mirrorball("--input-http", "127.0.0.1:0", "--output-file", file, "--output-file-append", "--verbose", "1");
    try {
      const input = (await program.printed(/input-http .*listening on (\S+)/))[1] ?? "";
      const send = async (): Promise<void> => {
        await (await fetch(`http://${input}/x`)).text();
        while (recordsIn(file) === 0) await new Promise((resolve) => setTimeout(resolve, 10));
      };
      await send();
      const snippet = textOf("mirrorball.logrotate")
        .replace("/var/lib/mirrorball/recordings", recordings)
        .replace(/systemctl reload .*/, `kill -HUP ${program.child.pid}`);
      writeFileSync(join(folder, "logrotate"), snippet, { mode: 0o644 });
      execFileSync("logrotate", ["--force", "--state", join(folder, "state"), join(folder, "logrotate")]);
      await program.printed(/the next record opens its file anew/);
      await send();
      const moved = readdirSync(recordings).filter((name) => name !== "a.gor");
      expect(moved.join(" ")).toMatch(/^a\.gor-\d{8}$/);
      expect([file, join(recordings, moved[0] ?? "")].map(recordsIn)).toEqual([1, 1]);
      program.child.kill("SIGTERM");
      expect(await program.ended).toBe(0);
      expect(program.out.stderr).toMatch(/2 received, 2 delivered\nnothing was lost\n$/);
    } finally {
      program.child.kill("SIGKILL");
    }
  }); // prettier-ignore
});
