/**
 * How a component declares itself. The declaration is everything there is to know about it from outside:
 * flags, help, reference pages, config keys and the errors for bad values are all generated from it.
 *
 * A declaration is light: what does the work is a module of its own, which `load` brings when a plan names it. So `--help` costs
 * little, and nobody pays for what is not used.
 */
import type { Message } from "@mirrorball/protocol";
import type { Place } from "./net/address.ts";
import type {
  AcceptedKinds,
  Input,
  InputContext,
  InputProgress,
  Output,
  OutputContext,
  Stage,
} from "./types.ts";
import type { Relay, RelayContext } from "./relay.ts";
import type { OptionSpecs, OptionValues, Refusal } from "./option.ts";

/** The module behind a declaration. */
export interface InputMaker<S extends OptionSpecs = OptionSpecs> {
  create(this: void, context: InputContext, argument: string, options: OptionValues<S>): Input;
}
export interface OutputMaker<S extends OptionSpecs = OptionSpecs> {
  create(this: void, context: OutputContext, argument: string, options: OptionValues<S>): Output;
}
export interface RelayMaker<S extends OptionSpecs = OptionSpecs> {
  create(this: void, context: RelayContext, options: OptionValues<S>): Relay;
}
interface ToolMaker<S extends OptionSpecs> {
  execute(
    this: void,
    context: ToolContext,
    operands: readonly string[],
    options: OptionValues<S>,
  ): Promise<ToolOutcome>;
}

/** Where the maker is: in a module that is loaded when it is needed, or right here. */
type Made<D extends { load(this: void, options: never): Promise<object> }> = Omit<
  D,
  "type" | "load"
> &
  (Pick<D, "load"> | Awaited<ReturnType<D["load"]>>);

interface Declared<S extends OptionSpecs> {
  /** The flag without dashes, gor's name: `output-http`. */
  readonly name: string;
  /** One line for help and the reference. */
  readonly summary: string;
  /** The main flag belongs on the first page of help, in these few words. */
  readonly firstPage?: string;
  /** Older names of the main flag, without dashes. */
  readonly aliases?: readonly string[];
  /** Those of them behind which gor wanted a value that meant nothing; one that is given is passed over. */
  readonly valuedAliases?: readonly string[];
  /**
   * The value of the main flag: repeatable, each value makes one instance. Undefined when the flag is
   * a plain switch (`--output-null`), which makes one instance whose argument is "".
   */
  readonly argument: ArgumentSpec | undefined;
  /**
   * Keys are camelCase with the unit last where a number needs one (`timeoutMs`); the flag is the component's name
   * plus the key in kebab-case without its unit: `--output-http-timeout`. Shared by all instances.
   */
  readonly options: S;
}

export interface ArgumentSpec {
  /** `ADDR`, `URL`, `FILE` */
  readonly placeholder: string;
  readonly example: string;
  /** Checks the text; returns it (normalised) or the rule it breaks. */
  readonly parse: (raw: string) => string | Refusal;
}

export interface InputDeclaration<S extends OptionSpecs = OptionSpecs> extends Declared<S> {
  readonly type: "input";
  /** What `ARGUMENT|N%` means: a share of the requests (the default), or the speed at which a recording is played. */
  readonly percent?: "share" | "speed";
  /** What it listens on or captures: an output that sends there would feed its own run, which is refused. */
  takesFrom?(argument: string, options: OptionValues<S>): Place | undefined;
  /** Its argument names recordings that can be read again. */
  readonly readsRecordings?: boolean;
  /** Whether it would read the file of this name, which may not be there yet: an output that writes there would feed its own run. */
  reads?(argument: string, options: OptionValues<S>, path: string): boolean;
  load(this: void, options: OptionValues<S>): Promise<InputMaker<S>>;
}

export interface OutputDeclaration<S extends OptionSpecs = OptionSpecs> extends Declared<S> {
  readonly type: "output";
  readonly accepts: AcceptedKinds;
  /**
   * Which messages must never be sent twice, as far as the options say; undefined: none, or sending twice does no
   * harm. With a journal it is written down before they are sent, and after a crash they are not sent again.
   */
  atMostOnce?(options: OptionValues<S>): ((message: Message) => boolean) | undefined;
  /** It needs replayed responses: outputs that can make them are told to. */
  readonly wantsReplayed?: boolean;
  /** It takes what is replayed only to be compared with: answers of a control, and those of probes. */
  readonly takesAsides?: boolean;
  /** The share of safe requests, 0 to 1, that targets are to be asked twice, as its options say. */
  wantsProbes?(options: OptionValues<S>): number;
  /** Another output that its options ask for, by name and argument; it is planned beside it, with the options given to that name. */
  companion?(options: OptionValues<S>): Companion | undefined;
  /** What happens by default when its queue is full; `wait` if it does not say. */
  readonly queueFull?: "wait" | "drop";
  /** Where it sends to; see `takesFrom`. */
  sendsTo?(argument: string): Place | undefined;
  /** The file that it writes next; see `reads`. */
  writes?(argument: string, options: OptionValues<S>): string | undefined;
  load(this: void, options: OptionValues<S>): Promise<OutputMaker<S>>;
}

/** An output that another one needs beside it. */
export interface Companion {
  /** Its flag without dashes. */
  readonly output: string;
  readonly argument: string;
}

export interface StageDeclaration<S extends OptionSpecs = OptionSpecs> {
  readonly type: "stage";
  readonly name: string;
  readonly summary: string;
  /** As for inputs and outputs. One that several declarations list, the same object with a `flag` of its own, is one flag. */
  readonly options: S;
  /** True when it stands in front of the relay, whose peers then see what it made of the messages. */
  readonly beforeRelay?: boolean;
  /** The name of another stage behind which these options put this one; undefined for its place in the catalogue. */
  runsBehind?(options: OptionValues<S>): string | undefined;
  /** Returns undefined when its options ask for nothing, so that an unused stage costs nothing. */
  create(options: OptionValues<S>): Stage | undefined;
}

export interface RelayDeclaration<S extends OptionSpecs = OptionSpecs> {
  readonly type: "relay";
  readonly name: string;
  readonly summary: string;
  readonly options: S;
  /** Whether its options ask for it; when they do not, the pipeline is as if there were no relays. */
  isWanted(options: OptionValues<S>): boolean;
  load(this: void, options: OptionValues<S>): Promise<RelayMaker<S>>;
}

/** A set of options that belongs to the run itself, not to one component: `--drain-timeout`. */
export interface RunDeclaration<S extends OptionSpecs = OptionSpecs> {
  readonly type: "run";
  readonly name: string;
  readonly summary: string;
  /** Every option names its whole flag. */
  readonly options: S;
  /** What people do most, for the first page of help. */
  readonly examples: readonly RunExample[];
}

/** The words behind `mirrorball`: those of a run, or of a tool, whose name is the first. */
export interface RunExample {
  readonly does: string;
  readonly args: readonly string[];
}

/** What a tool says and asks for while it works. */
export interface ToolContext {
  /** Its result, to standard output. Resolves when it may say more. */
  print(text: string): Promise<void>;
  /** One line for a person: what is wrong, or what could not be kept. */
  complain(line: string): void;
  /** Shows how far something is, where a person watches, until the returned function is called. */
  watch(read: () => readonly { readonly progress: InputProgress }[]): () => void;
  /** Resolves when the person wants it to come to an end. */
  readonly interrupted: Promise<void>;
}

/**
 * True: done. False: something was lost or could not be done; "usage": the words were wrong; then it has complained. "different": what it
 * compared is not the same.
 */
export type ToolOutcome = boolean | "different" | "usage";

/** A sub-command that is no run: `mirrorball inspect`. */
export interface ToolDeclaration<S extends OptionSpecs = OptionSpecs> {
  readonly type: "tool";
  readonly name: string;
  readonly summary: string;
  /** What it does in the few words that the first page of help has room for. */
  readonly firstPage: string;
  /** The words behind its name that are no flags: one placeholder each, the last one repeatable when it ends in `...`. */
  readonly operands: readonly string[];
  readonly example: string;
  /** Every option names its whole flag. */
  readonly options: S;
  load(this: void): Promise<ToolMaker<S>>;
}

/** All there is: explicit lists, so that tests and library users can make their own. */
export interface Catalogue {
  readonly inputs: readonly InputDeclaration[];
  /** At most one of them may be asked for in a run. */
  readonly relays: readonly RelayDeclaration[];
  readonly stages: readonly StageDeclaration[];
  readonly outputs: readonly OutputDeclaration[];
  readonly run: RunDeclaration;
  readonly tools: readonly ToolDeclaration[];
}

/** What is made right here is its own maker; nothing else of the declaration goes with it. */
function loaderOf<O, M extends { readonly create: unknown }>(
  declaration: { load(this: void, options: O): Promise<M> } | M,
): (this: void, options: O) => Promise<Pick<M, "create">> {
  if ("load" in declaration) return declaration.load;
  const { create } = declaration;
  return async () => ({ create });
}

export function defineInput<S extends OptionSpecs>(
  declaration: Made<InputDeclaration<S>>,
): InputDeclaration<S> {
  return {
    ...declaration,
    type: "input",
    load: loaderOf<OptionValues<S>, InputMaker<S>>(declaration),
  };
}

export function defineOutput<S extends OptionSpecs>(
  declaration: Made<OutputDeclaration<S>>,
): OutputDeclaration<S> {
  return {
    ...declaration,
    type: "output",
    load: loaderOf<OptionValues<S>, OutputMaker<S>>(declaration),
  };
}

export function defineStage<S extends OptionSpecs>(
  declaration: Omit<StageDeclaration<S>, "type">,
): StageDeclaration<S> {
  return { ...declaration, type: "stage" };
}

export function defineRelay<S extends OptionSpecs>(
  declaration: Made<RelayDeclaration<S>>,
): RelayDeclaration<S> {
  return {
    ...declaration,
    type: "relay",
    load: loaderOf<OptionValues<S>, RelayMaker<S>>(declaration),
  };
}

export function defineTool<S extends OptionSpecs>(
  declaration: Omit<ToolDeclaration<S>, "type">,
): ToolDeclaration<S> {
  return { ...declaration, type: "tool" };
}
