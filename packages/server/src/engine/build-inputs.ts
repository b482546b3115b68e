/**
 * Builds the inputs of a plan, each with its account and its own limit, and opens the journal, which hands messages on as an input does.
 * In: the plan, the way on. Out: inputs that are not started, an open journal.
 */
import type { InputJournal } from "../component/intake.ts";
import type { InFlightEntries } from "../core/journal/in-flight-entries.ts";
import { codeOf } from "../files/file-error.ts";
import type { Journal } from "../journal/journal.ts";
import type { JournalOptions } from "../journal/options.ts";
import type { RunningInput, RunningJournal } from "./accounting/counters.ts";
import { InputAccount } from "./accounting/ledger.ts";
import { createLogger } from "./accounting/log.ts";
import { limitsOf } from "./build-outputs.ts";
import { nameOf } from "./plan/names.ts";
import type { LoadedInput, LoadedPlan } from "./plan/load.ts";
import { asUser } from "./privileges.ts";
import type { Identity } from "./privileges.ts";
import type { Surroundings, Way } from "./run.ts";

export function buildInput(
  { declaration, create, argument, limit, options }: LoadedInput,
  { run }: LoadedPlan,
  { log, clock, streams }: Surroundings,
  way: Way,
  journal: Journal | undefined,
  identity: Identity | undefined,
): RunningInput {
  const name = nameOf(declaration.name, argument);
  const account = new InputAccount();
  const playsFaster = limit?.kind === "percent" && declaration.percent === "speed";
  const limits = playsFaster ? undefined : limitsOf(limit, clock);
  const input = create(
    {
      name,
      speed: playsFaster ? limit.percent / 100 : 1,
      emit: (batch) => {
        const kept = limits === undefined ? batch : batch.filter(limits);
        account.passed(kept.length, batch.length);
        return way.emit(kept);
      },
      journal: journal === undefined ? undefined : countedJournal(journal, account),
      dropped: (reason, count) => account.dropped(reason, count),
      refused: (reason) => account.refused(reason),
      loopGuard: !run.noLoopGuard,
      becomes: identity?.user,
      stdout: streams.stdout,
      clock,
      log: createLogger(log, run.verbose, name),
    },
    argument,
    options,
  );
  return { name, input, account };
}

/** What an input stores is counted as its own. */
function countedJournal(journal: Journal, account: InputAccount): InputJournal {
  return {
    intake: (events) => journal.intake({ ...events, stored: (records) => account.stored(records) }),
  };
}

/** Undefined without `--journal`. */
export function openJournal(
  { run, journal: journalClass }: LoadedPlan,
  { log, clock, onFatalDiskError }: Surroundings,
  way: Way,
  identity: Identity | undefined,
  inFlight: InFlightEntries | undefined,
): RunningJournal | undefined {
  const { journal: directory, journalLimitBytes: limitBytes } = run;
  if (journalClass === undefined) return undefined;
  const account = new InputAccount();
  const name = `journal ${directory}`;
  const journal = openedAs(journalClass, identity, {
    directory,
    limitBytes,
    split: run.splitOutput,
    clock,
    log: createLogger(log, run.verbose, name),
    emit: (batch, entry) => {
      account.passed(batch.length, batch.length);
      return way.emit(batch, entry);
    },
    dropped: (reason, count) => account.dropped(reason, count),
    onFatalDiskError,
    inFlight,
  });
  return { name, journal, account };
}

/** What the journal is made of is the user's that goes on with it. */
function openedAs(
  journal: typeof Journal,
  identity: Identity | undefined,
  options: JournalOptions,
): Journal {
  try {
    return identity === undefined
      ? journal.open(options)
      : asUser(identity, () => journal.open(options));
  } catch (error) {
    // Some name the system's error as their cause.
    const code = codeOf(error) || codeOf(error instanceof Error ? error.cause : undefined);
    if (code !== "EACCES" && code !== "EPERM") throw error;
    const who = identity?.user ?? `user ${process.geteuid?.() ?? "of this process"}`;
    throw new Error(`--journal: ${who} must be able to write to ${options.directory}`, {
      cause: error,
    });
  }
}
