/**
 * The name of an output file with gor's variables: `%Y %m %d %H %M %S` and `%NS` (nanosecond) are the local time, `%r` the
 * message's id, `%t` its type, `%i` eight letters of this run. In: a template. Out: names.
 */
import { normalize } from "node:path";
import type { Message } from "@mirrorball/protocol";

/** The longest first: `%NS` is not `%N` and an S. */
const VARIABLE = /%(?:NS|[YmdHMSrti])/g;
/** An id comes from the network: it must stay one name in the folder it is put in. */
const UNSAFE = /[^\w.-]|^\.+/g;
/** Letters of `%i`. */
const RUN_LETTERS = 8;

export class NameTemplate {
  /** The name says more than the time does: every message may have its own. */
  readonly isPerMessage: boolean;
  /** Every request has a name of its own. */
  readonly isPerRequest: boolean;
  /** Never changes. */
  readonly isStatic: boolean;
  /** As it was given. */
  readonly pattern: string;
  readonly #template: string;
  readonly #run: string;
  #fixed: string | undefined;

  constructor(template: string, random: () => number) {
    this.pattern = template;
    this.#template = normalize(template);
    this.#run = letters(random);
    const variables: readonly string[] = this.#template.match(VARIABLE) ?? [];
    this.isPerRequest = variables.includes("%r");
    this.isPerMessage = this.isPerRequest || variables.includes("%t") || variables.includes("%NS");
    this.isStatic = variables.every((variable) => variable === "%i");
  }

  /** The name for a message at this moment, in microseconds since the Unix epoch. */
  nameFor(message: Message | undefined, nowUs: number): string {
    if (this.#fixed !== undefined) return this.#fixed;
    const at = new Date(nowUs / 1000);
    const name = this.#template.replace(VARIABLE, (variable) =>
      this.#valueOf(variable, message, at, nowUs),
    );
    if (this.isStatic) this.#fixed = name;
    return name;
  }

  #valueOf(variable: string, message: Message | undefined, at: Date, nowUs: number): string {
    switch (variable) {
      case "%Y":
        return String(at.getFullYear());
      case "%m":
        return two(at.getMonth() + 1);
      case "%d":
        return two(at.getDate());
      case "%H":
        return two(at.getHours());
      case "%M":
        return two(at.getMinutes());
      case "%S":
        return two(at.getSeconds());
      case "%NS":
        return String(Math.trunc(nowUs % 1e6) * 1000).padStart(9, "0");
      case "%r":
        return (message?.id ?? "").replace(UNSAFE, "_");
      case "%t":
        return message === undefined ? "" : String(message.kind);
      default:
        return this.#run;
    }
  }
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

function letters(random: () => number): string {
  const letter = (): string => String.fromCharCode(97 + Math.floor(random() * 26));
  return Array.from({ length: RUN_LETTERS }, letter).join("");
}
