/**
 * Reads a recording once before it is played, for the rules that say where short ids come from. In: its messages, in order. Out: rules. The
 * originals alone decide: nothing is learned here of any target.
 */
import { MessageKind, isResponseHead } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { contentOf } from "../content/body.ts";
import { routeOf } from "../route-shape.ts";
import { SessionFinder } from "../session/session-finder.ts";
import { slotsOf } from "./request-values.ts";
import { RuleLearner } from "./rules.ts";
import type { Rule } from "./rules.ts";

/** Requests whose response may still come. */
const OPEN_MAX = 65_536;

interface Open {
  readonly session: number;
  readonly endpoint: string;
}

export class RuleScan {
  readonly #sessions = new SessionFinder();
  readonly #learner = new RuleLearner();
  readonly #open: Map<string, Open> = new Map();

  see(batch: readonly Message[]): void {
    for (const message of batch) {
      if (message.kind === MessageKind.request) this.#request(message);
      else if (message.kind === MessageKind.response) this.#response(message);
    }
  }

  rules(): Rule[] {
    return this.#learner.all();
  }

  #request(message: Message): void {
    const endpoint = endpointOf(message);
    if (endpoint === undefined) return;
    const session = this.#sessions.ofRequest(message);
    this.#learner.request(session, endpoint, slotsOf(message));
    this.#open.set(message.id, { session, endpoint });
    if (this.#open.size <= OPEN_MAX) return;
    for (const oldest of this.#open.keys()) {
      this.#open.delete(oldest);
      return;
    }
  }

  #response(message: Message): void {
    const open = this.#open.get(message.id);
    if (open === undefined) return;
    this.#open.delete(message.id);
    const { http } = message;
    const content = contentOf(http.head?.headers ?? [], http.body);
    const session = this.#sessions.current(open.session);
    if (typeof content !== "string") this.#sessions.ofResponse(session, message, content);
    this.#learner.response(session, open.endpoint, message, content);
  }
}

/** As rules name it: the method and the route, or the shape of the path. */
export function endpointOf({ http, context }: Message): string | undefined {
  const { head } = http;
  if (head === undefined || isResponseHead(head)) return undefined;
  return `${head.method} ${routeOf(head.target, context)}`;
}
