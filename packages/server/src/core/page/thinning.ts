/**
 * Which exchanges people are shown when there are more than people can look at. Sans-IO. In: ids, and once a second the beat. Out: whether an
 * exchange is kept.
 *
 * The id alone decides, so that a request and its answers are kept together, and who is not kept costs a few multiplications and no
 * look into any map. The share is a power of a half: it shrinks in the middle of a second that brings too much, and grows back slowly.
 */

/** Exchanges a second that are kept; nobody reads more, and each costs some microseconds. */
const EXCHANGES_A_SECOND = 400;
/** Bytes a second that are copied. */
const BYTES_A_SECOND: number = 8 * 1024 * 1024;
/** Below this part of what may be kept, the share grows again. */
const SPARE_PART = 0.25;
/** Characters at an id's end that are looked at: counters and random digits stand there. */
const ID_CHARS = 4;
/** So many bits the last characters of an id surely have. */
const HALVINGS_MAX = 14;
/**
 * Seconds in which an answer still finds an exchange that was kept under a greater share: until then every answer that might be its is looked up,
 * which costs more than all the rest. Later answers to those few are not shown.
 */
const LOOK_BACK_BEATS = 3;

export class Thinning {
  /** The share is one half to this power. */
  #halvings = 0;
  /** The same of the greatest share of the last beats. */
  #lookHalvings = 0;
  readonly #past: number[] = [];
  /** The same at the last beat: within a second the share only shrinks. */
  #beatHalvings = 0;
  #exchanges = 0;
  #bytes = 0;

  /** One of so many exchanges is kept. */
  get oneOf(): number {
    return 2 ** this.#halvings;
  }

  /** For a request. */
  admits(id: string): boolean {
    return this.#halvings === 0 || isWithin(id, this.#halvings);
  }

  /** For an answer: whether its request may have been kept. */
  mayKnow(id: string): boolean {
    return this.#lookHalvings === 0 || isWithin(id, this.#lookHalvings);
  }

  /** So much was kept. */
  spent(exchanges: number, bytes: number): void {
    this.#exchanges += exchanges;
    this.#bytes += bytes;
    if (this.#load <= 1 || this.#halvings >= HALVINGS_MAX) return;
    this.#halvings += 1;
    this.#exchanges /= 2;
    this.#bytes /= 2;
  }

  /** A second is over. */
  beat(): void {
    this.#past.push(this.#beatHalvings);
    if (this.#past.length > LOOK_BACK_BEATS) this.#past.shift();
    if (this.#halvings > 0 && this.#load < SPARE_PART) this.#halvings -= 1;
    this.#beatHalvings = this.#halvings;
    this.#lookHalvings = Math.min(this.#halvings, ...this.#past);
    this.#exchanges = 0;
    this.#bytes = 0;
  }

  get #load(): number {
    return Math.max(this.#exchanges / EXCHANGES_A_SECOND, this.#bytes / BYTES_A_SECOND);
  }
}

function isWithin(id: string, halvings: number): boolean {
  let hash = 0x811c9dc5;
  for (let i = Math.max(0, id.length - ID_CHARS); i < id.length; i += 1) {
    hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  }
  // The upper bits of the last product are the well-mixed ones.
  return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> (32 - halvings) === 0;
}
