/** What `--middleware` is when it runs: which of the two kinds a value names, and its supervisor. */
import { closeSync, openSync, readSync } from "node:fs";
import { splitCommand } from "../../core/middleware/command.ts";
import { ChildPeer } from "./child.ts";
import { PluginPeer } from "./plugin.ts";
import { Supervisor } from "./supervisor.ts";
import type { MiddlewareOptions } from "../middleware.ts";
import type { Relay, RelayContext } from "../../component/relay.ts";

export function create(
  context: RelayContext,
  { command, timeoutMs, onError }: MiddlewareOptions,
): Relay {
  const split = splitCommand(command);
  if ("rule" in split) throw new Error(`--middleware: ${split.rule}`);
  const plugin = pluginPath(split.args);
  return new Supervisor(context, {
    timeoutMs,
    restartWhenHung: plugin !== undefined,
    copies: context.durable && plugin === undefined,
    launch: (events) =>
      plugin === undefined
        ? new ChildPeer(split.args, context, events)
        : new PluginPeer(plugin, onError, context, events),
  });
}

/** The path when the words name a plugin: one word, a module's ending, and not a script with an interpreter of its own. */
function pluginPath(args: readonly string[]): string | undefined {
  const [path = ""] = args;
  if (args.length !== 1 || !/\.[cm]?[jt]s$/.test(path)) return undefined;
  return beginsWithInterpreter(path) ? undefined : path;
}

function beginsWithInterpreter(path: string): boolean {
  try {
    const file = openSync(path, "r");
    const start = Buffer.alloc(2);
    readSync(file, start);
    closeSync(file);
    return start.toString("latin1") === "#!";
  } catch {
    // That it cannot be read is reported when it is started.
    return false;
  }
}
