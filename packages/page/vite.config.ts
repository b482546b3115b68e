/** Builds the page into the server's package: files with a digest in their names, nothing from the network, nothing inline. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: fileURLToPath(new URL("../server/dist/page", import.meta.url)),
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    // What is built in is other people's, too: their licences go with it.
    license: { fileName: "licenses.md" },
  },
});
