/**
 * How a component declares itself. The declaration is everything there is to know about it from outside:
 * flags, help, reference pages, config keys and the errors for bad values are all generated from it.
 */
import type { Message } from "@mirrorball/protocol";
import type { AcceptedKinds, Input, InputContext, Output, OutputContext, Stage } from "./types.ts";
import type { OptionSpecs, OptionValues, Refusal } from "./option.ts";

interface Declared<S extends OptionSpecs> {
  /** The flag without dashes, gor's name: `output-http`. */
  readonly name: string;
  /** One line for help and the reference. */
  readonly summary: string;
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
  create(context: InputContext, argument: string, options: OptionValues<S>): Input;
}

export interface OutputDeclaration<S extends OptionSpecs = OptionSpecs> extends Declared<S> {
  readonly type: "output";
  readonly accepts: AcceptedKinds;
  /**
   * Which messages must never be sent twice, as far as the options say; undefined: none, or sending twice does no
   * harm. With a journal it is written down before they are sent, and after a crash they are not sent again.
   */
  once?(options: OptionValues<S>): ((message: Message) => boolean) | undefined;
  /** It needs replayed responses: outputs that can make them are told to. */
  readonly wantsReplayed?: boolean;
  /** What happens by default when its queue is full; `wait` if it does not say. */
  readonly queueFull?: "wait" | "drop";
  create(context: OutputContext, argument: string, options: OptionValues<S>): Output;
}

export interface StageDeclaration<S extends OptionSpecs = OptionSpecs> {
  readonly type: "stage";
  readonly name: string;
  readonly summary: string;
  readonly options: S;
  /** Returns undefined when its options ask for nothing, so that an unused stage costs nothing. */
  create(options: OptionValues<S>): Stage | undefined;
}

/** A set of options that belongs to the run itself, not to one component: `--drain-timeout`. */
export interface RunDeclaration<S extends OptionSpecs = OptionSpecs> {
  readonly type: "run";
  readonly name: string;
  readonly summary: string;
  /** Every option names its whole flag. */
  readonly options: S;
}

/** All there is: explicit lists, so that tests and library users can make their own. */
export interface Catalogue {
  readonly inputs: readonly InputDeclaration[];
  readonly stages: readonly StageDeclaration[];
  readonly outputs: readonly OutputDeclaration[];
  readonly run: RunDeclaration;
}

export function defineInput<S extends OptionSpecs>(
  declaration: Omit<InputDeclaration<S>, "type">,
): InputDeclaration<S> {
  return { ...declaration, type: "input" };
}

export function defineOutput<S extends OptionSpecs>(
  declaration: Omit<OutputDeclaration<S>, "type">,
): OutputDeclaration<S> {
  return { ...declaration, type: "output" };
}

export function defineStage<S extends OptionSpecs>(
  declaration: Omit<StageDeclaration<S>, "type">,
): StageDeclaration<S> {
  return { ...declaration, type: "stage" };
}
