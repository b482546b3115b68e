/**
 * `mirrorball help [TOPIC]`, `--help [TOPIC]`, `TOPIC --help`: which page of help the words ask for. The pages are made from the
 * declarations; here stand only the words of the commands that are no tools. Exit code 2 for a topic that there is not.
 */
import { catalogue, firstPage, helpOn, topicLike } from "@mirrorball/server/declarations";
import type { HelpCommand } from "@mirrorball/server/declarations";
import { EXIT_USAGE, asksForHelp, complain, show, version } from "./command.ts";

const RUNS: readonly (HelpCommand & { readonly page: string | undefined })[] = [
  { name: "run", firstPage: "run; it may be left out", page: undefined },
  {
    name: "check",
    firstPage: "check flags and --config; show the plan",
    page: [
      "mirrorball check: validates flags and config files without running them, and prints the plan.\n",
      "\nUsage: mirrorball check [the flags of a run]\n",
      "  mirrorball check --config replay.yaml\n",
      "\nExit code 0 when it could run, 2 with one line for each fault when not. For the flags: mirrorball help all\n",
    ].join(""),
  },
];

/** The words behind `mirrorball help`. */
export async function help(args: readonly string[]): Promise<void> {
  await showTopic(args.find((word) => !asksForHelp([word])));
}

/** All words of a run, one of which asks for help. */
export async function helpWithin(args: readonly string[]): Promise<void> {
  const at = args.findIndex((word) => asksForHelp([word]));
  // What stands behind is asked for; in front a single word is, a whole command line is not.
  await showTopic(args[at + 1] ?? (at === 1 ? args[0] : undefined));
}

/** The help of a command of this folder. */
export async function helpOfCommand(name: string): Promise<void> {
  await showTopic(name);
}

async function showTopic(topic: string | undefined): Promise<void> {
  const run = RUNS.find(({ name }) => name === topic);
  if (topic === undefined || topic === "help" || (run !== undefined && run.page === undefined)) {
    await show(firstPage(catalogue, version(), [...RUNS, ...catalogue.tools]));
    return;
  }
  const page = run?.page ?? helpOn(topic, catalogue);
  if (page !== undefined) {
    await show(page);
    return;
  }
  const near = topicLike(topic, catalogue);
  const hint = near === undefined ? "see mirrorball --help" : `did you mean mirrorball help ${near}?`; // prettier-ignore
  complain(`there is no help on ${JSON.stringify(topic)}; ${hint}`);
  process.exitCode = EXIT_USAGE;
}
