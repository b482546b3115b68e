/**
 * Brings the modules that a plan needs and nothing else: makers of its components, and the journal. In: a plan. Out: the same plan, whose
 * parts can be made at once. Nothing is made or opened here.
 */
import type { InputMaker, OutputMaker, RelayMaker } from "../../component/define.ts";
import type { Journal } from "../../journal/journal.ts";
import type { Plan, PlannedInput, PlannedOutput, PlannedRelay, Values } from "./planned.ts";

export type LoadedInput = PlannedInput & InputMaker;
export type LoadedOutput = PlannedOutput & OutputMaker;
type LoadedRelay = PlannedRelay & RelayMaker;

export interface LoadedPlan extends Omit<Plan, "relays"> {
  readonly inputs: readonly LoadedInput[];
  readonly outputs: readonly LoadedOutput[];
  /** The one whose options ask for something. */
  readonly relay: LoadedRelay | undefined;
  readonly journal: typeof Journal | undefined;
}

/** One after the other: Node opens the files of a graph of modules all at once, and a process may have few descriptors. */
export async function load(plan: Plan): Promise<LoadedPlan> {
  const { relays, ...rest } = plan;
  const inputs: LoadedInput[] = [];
  for (const input of plan.inputs) inputs.push(await withMaker<InputMaker, PlannedInput>(input));
  const outputs: LoadedOutput[] = [];
  for (const output of plan.outputs) outputs.push(await withMaker<OutputMaker, PlannedOutput>(output)); // prettier-ignore
  const relay = await relayOf(relays);
  const journal = plan.run.journal === "" ? undefined : await import("../../journal/journal.ts");
  return { ...rest, inputs, outputs, relay, journal: journal?.Journal };
}

async function withMaker<
  M extends { readonly create: unknown },
  P extends {
    readonly declaration: { load(this: void, options: Values): Promise<M> };
    readonly options: Values;
  },
>(planned: P): Promise<P & Pick<M, "create">> {
  const { create } = await planned.declaration.load(planned.options);
  return { ...planned, create };
}

async function relayOf(relays: readonly PlannedRelay[]): Promise<LoadedRelay | undefined> {
  const wanted = relays.find(({ declaration, options }) => declaration.isWanted(options));
  return wanted === undefined ? undefined : withMaker<RelayMaker, PlannedRelay>(wanted);
}
