/**
 * Which session says of which value of the target that it is the image of one of its own. In: pairs, in the order they are learned. Out: which
 * of them are contested. Bounded; what is forgotten is contested by nobody.
 *
 * A pair may be a guess: elements of a list that are only alike. Where another tenant's list was answered all of its ids are guesses, and
 * their own session knows better. A guess is believed as long as no other session says that its image is of something else.
 */
import type { LearnedPair } from "./pairs.ts";

export interface Claim {
  readonly session: number;
  readonly a: string;
  readonly isGuess: boolean;
}

const CLAIMS_MAX = 200_000;
/** Characters of their keys. */
const CLAIMS_CHARS_MAX: number = 16 * 1024 * 1024;

/** `stands`: learn it; `ousts` is to be held now. `contested`: hold it. */
export type Ruling =
  | { readonly word: "stands"; readonly ousts: Claim | undefined }
  | { readonly word: "contested" };

const STANDS: Ruling = { word: "stands", ousts: undefined };
const CONTESTED: Ruling = { word: "contested" };

export class Claims {
  readonly #claims: Map<string, Claim> = new Map();
  readonly #session: (session: number) => number;
  #chars = 0;

  /** `session`: what a session is called now. */
  constructor(session: (session: number) => number) {
    this.#session = session;
  }

  rule(session: number, { namespace, a, b, isGuess }: LearnedPair): Ruling {
    const key = `${namespace}\u0000${b}`;
    const known = this.#claims.get(key);
    if (known === undefined) {
      this.#put(key, { session, a, isGuess });
      return STANDS;
    }
    const isSame = known.a === a || this.#session(known.session) === session;
    if (isSame) {
      if (known.isGuess && !isGuess) this.#claims.set(key, { session, a, isGuess });
      return STANDS;
    }
    if (isGuess) return CONTESTED;
    if (!known.isGuess) return STANDS;
    this.#claims.set(key, { session, a, isGuess });
    return { word: "stands", ousts: known };
  }

  #put(key: string, claim: Claim): void {
    this.#claims.set(key, claim);
    this.#chars += key.length;
    while (this.#claims.size > CLAIMS_MAX || this.#chars > CLAIMS_CHARS_MAX) {
      const [oldest] = this.#claims.keys();
      if (oldest === undefined) return;
      this.#claims.delete(oldest);
      this.#chars -= oldest.length;
    }
  }
}
