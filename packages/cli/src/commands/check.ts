/**
 * `mirrorball check --input-… --output-… [--config FILE]`: validates what a run would be given and prints the plan;
 * nothing is opened or started. Exit code 2 and one line for each fault when it is wrong.
 */
import { catalogue, describePlan, planFrom } from "@mirrorball/server";
import { EXIT_USAGE, asksForHelp, complain, show } from "./command.ts";
import { helpOfCommand } from "./help.ts";

export async function check(args: readonly string[]): Promise<void> {
  if (asksForHelp(args)) {
    await helpOfCommand("check");
    return;
  }
  const made = planFrom(args, catalogue);
  if ("errors" in made) {
    complain(...made.errors);
    process.exitCode = EXIT_USAGE;
    return;
  }
  await show(describePlan(made.plan));
}
