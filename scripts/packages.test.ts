// What strangers get: the tarballs that npm would publish, by their lists of files and by what they say of themselves.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const PACKAGES = ["protocol", "sdk", "server", "cli"];
/** Unpacked bytes of our own files: they are installed with every service (sdk, protocol), or once a machine. */
const BYTES_MAX: Readonly<Record<string, number>> = {
  protocol: 2 * 1024 * 1024,
  sdk: 2 * 1024 * 1024,
  server: 10 * 1024 * 1024,
  cli: 1024 * 1024,
};

/** Of what npm says: a line for each file. */
const LIST_BYTES_MAX = 16 * 1024 * 1024;

interface Packed {
  readonly name: string;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

interface Manifest {
  readonly name: string;
  readonly description: string;
  readonly license: string;
  readonly keywords: readonly string[];
  readonly engines: { readonly node: string };
}

let packed: ReadonlyMap<string, Packed>;
beforeAll(() => {
  const workspaces = PACKAGES.flatMap((name) => ["--workspace", `packages/${name}`]);
  const told = execFileSync(
    "npm",
    ["pack", "--dry-run", "--json", "--ignore-scripts", ...workspaces],
    { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], maxBuffer: LIST_BYTES_MAX },
  );
  const list = JSON.parse(told) as readonly Packed[];
  packed = new Map(list.map((one) => [one.name, one]));
});

describe.each(PACKAGES)("the tarball of packages/%s", (folder) => {
  const at = (file: string): string => `${root}packages/${folder}/${file}`;
  const text = (file: string): string => readFileSync(at(file), "utf8");
  const manifest = (): Manifest => JSON.parse(text("package.json")) as Manifest;
  const paths = (): string[] => packed.get(manifest().name)?.files.map(({ path }) => path) ?? [];

  it("has the licence, word for word, and a README", () => {
    expect(paths()).toEqual(expect.arrayContaining(["LICENSE", "README.md", "package.json"]));
    expect(text("LICENSE")).toBe(readFileSync(`${root}LICENSE`, "utf8"));
  });

  it("links to nothing that is not there for who reads it at the registry", () => {
    for (const [, to = ""] of text("README.md").matchAll(/\]\(([^)]+)\)/g)) {
      expect(to).toMatch(/^(?:https:\/\/|#)/);
    }
  });

  it("says what it is, to people and to a search", () => {
    const { description, license, keywords, engines } = manifest();
    expect(description.length).toBeGreaterThan(20);
    expect([license, engines.node]).toEqual(["Apache-2.0", ">=20.19"]);
    expect(keywords).toContain("http");
    expect(keywords.length).toBeGreaterThan(4);
    expect(new Set(keywords).size).toBe(keywords.length);
  });

  it("has every file that its manifest names", () => {
    const named = [...text("package.json").matchAll(/"\.?\/?((?:bin|cjs|dist)\/[^"*]+)"/g)].map(([, path]) => path ?? ""); // prettier-ignore
    expect(named.length).toBeGreaterThan(0);
    for (const path of named) {
      expect(existsSync(at(path)), `${path}: build first`).toBe(true);
      expect(paths()).toContain(path);
    }
  });

  it("has no tests, no sources, no books of the compiler, and no more than it may weigh", () => {
    const stray = paths().filter((path) => /\.test\.|^(?:src|test)\/|\.tsbuildinfo$/.test(path));
    expect(stray).toEqual([]);
    expect(packed.get(manifest().name)?.unpackedSize).toBeLessThan(BYTES_MAX[folder] ?? 0);
  });
});
