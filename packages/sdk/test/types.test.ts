// TypeScript finds the SDK's types under every way of resolving modules. The compiler is the same on every line of Node: one is enough.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, expect, it } from "vitest";

const run = promisify(execFile);
const modules = fileURLToPath(new URL("../../../node_modules", import.meta.url));
// Inside the workspace, so that packages are found as in a service that has installed them; ignored by git.
const cache = join(modules, "../.cache");
mkdirSync(cache, { recursive: true });
const folder = mkdtempSync(join(cache, "types-"));
writeFileSync(join(folder, "package.json"), '{ "name": "service", "type": "commonjs" }');
writeFileSync(
  join(folder, "service.ts"),
  `import type { MirrorStats } from "@mirrorball/sdk/express";
   import { mirror } from "@mirrorball/sdk/express";
   const middleware = mirror({ server: "127.0.0.1:9", log: () => {} });
   const stats: MirrorStats = middleware.stats();
   console.log(stats.offered.toFixed());
   void middleware.close({ timeoutMs: 0 });`,
);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it.each([
  ["commonjs", "node10"],
  ["node16", "node16"],
  ["nodenext", "nodenext"],
  ["esnext", "bundler"],
])("module %s, moduleResolution %s", async (module, resolution) => {
  const flags = "--noEmit --strict --skipLibCheck --types node --target es2022".split(" ");
  const deprecated = resolution === "node10" ? ["--ignoreDeprecations", "5.0"] : [];
  const { stdout } = await run(process.execPath, [
    join(modules, "typescript5/bin/tsc"),
    ...flags,
    ...deprecated,
    "--typeRoots",
    join(modules, "@types"),
    "--module",
    module,
    "--moduleResolution",
    resolution,
    join(folder, "service.ts"),
  ]);
  expect(stdout).toBe("");
});
