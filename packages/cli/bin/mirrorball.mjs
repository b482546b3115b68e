#!/usr/bin/env node
import { isatty } from "node:tty";

// Node forgets at its start that `nohup` had SIGHUP ignored. Until the command has a handler of its own, which takes it half a second,
// the signal is held off here; at a terminal it keeps its meaning.
if (![0, 1, 2].some(isatty)) process.on("SIGHUP", () => {});

const { main } = await import("../dist/main.js");
await main(process.argv.slice(2));
