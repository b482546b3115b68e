/**
 * The clock of a pcapng interface: 64-bit counts of a unit that the interface chose (`if_tsresol`), from a moment that
 * it may have moved (`if_tsoffset`), into seconds and nanoseconds, exactly. A double holds 53 bits: counts
 * of nanoseconds since 1970 do not fit, so the division is done in 16-bit digits.
 */
import { i32be, u16, u32 } from "./bytes.ts";

const OPTION_END = 0;
const OPTION_RESOLUTION = 9;
const OPTION_OFFSET = 14;
const NS_PER_SECOND = 1_000_000_000;
const TWO_POW_32 = 0x1_0000_0000;
const DIGIT = 0x1_0000;
/** Above it a digit of the division does not fit into a double. */
const UNITS_EXACT_MAX = 2 ** 37;
const US_PER_SECOND = 1_000_000;
const NS_PER_US = 1000;
/** Upper half of a count of microseconds that fits a double: until the year 2255. */
const HIGH_EXACT_MAX = 2 ** 21;

/** `read` leaves its result in two fields, because a result object a packet is not free. */
export class CaptureClock {
  seconds = 0;
  nanoseconds = 0;
  readonly #unitsPerSecond: bigint;
  readonly #units: number;
  /** Whether units and nanoseconds divide one another, so that plain numbers are exact. */
  readonly #plain: boolean;
  readonly #offsetSeconds: number;

  constructor(unitsPerSecond: bigint, offsetSeconds: number) {
    this.#unitsPerSecond = unitsPerSecond;
    this.#units = Number(unitsPerSecond);
    this.#plain =
      this.#units <= UNITS_EXACT_MAX &&
      (NS_PER_SECOND % this.#units === 0 || this.#units % NS_PER_SECOND === 0);
    this.#offsetSeconds = offsetSeconds;
  }

  read(high: number, low: number): void {
    if (this.#units === US_PER_SECOND && high < HIGH_EXACT_MAX) {
      const count = high * TWO_POW_32 + low;
      const seconds = Math.floor(count / US_PER_SECOND);
      this.nanoseconds = (count - seconds * US_PER_SECOND) * NS_PER_US;
      this.seconds = seconds + this.#offsetSeconds;
    } else if (this.#plain) {
      this.#divide(high, low);
    } else {
      const count = (BigInt(high) << 32n) | BigInt(low);
      const rest = count % this.#unitsPerSecond;
      this.seconds = Number(count / this.#unitsPerSecond) + this.#offsetSeconds;
      this.nanoseconds = Number((rest * BigInt(NS_PER_SECOND)) / this.#unitsPerSecond);
    }
  }

  #divide(high: number, low: number): void {
    const units = this.#units;
    let seconds = 0;
    let rest = 0;
    for (let digit = 0; digit < 4; digit += 1) {
      const word = digit < 2 ? high : low;
      const value = rest * DIGIT + (digit % 2 === 0 ? word >>> 16 : word & 0xffff);
      const quotient = Math.floor(value / units);
      rest = value - quotient * units;
      seconds = seconds * DIGIT + quotient;
    }
    this.seconds = seconds + this.#offsetSeconds;
    this.nanoseconds =
      units <= NS_PER_SECOND
        ? rest * (NS_PER_SECOND / units)
        : Math.floor(rest / (units / NS_PER_SECOND));
  }
}

/** Reads the options of an interface description; what is not there or damaged has the format's defaults. */
export function readClock(
  bytes: Uint8Array,
  start: number,
  end: number,
  little: boolean,
): CaptureClock {
  let unitsPerSecond = BigInt(US_PER_SECOND);
  let offsetSeconds = 0;
  let at = start;
  while (at + 4 <= end) {
    const code = u16(bytes, at, little);
    const length = u16(bytes, at + 2, little);
    const value = at + 4;
    if (code === OPTION_END || value + length > end) break;
    if (code === OPTION_RESOLUTION && length === 1) {
      const exponent = (bytes[value] ?? 0) & 0x7f;
      unitsPerSecond =
        ((bytes[value] ?? 0) & 0x80) === 0 ? 10n ** BigInt(exponent) : 2n ** BigInt(exponent);
    } else if (code === OPTION_OFFSET && length === 8) {
      const high = little ? u32(bytes, value + 4, true) | 0 : i32be(bytes, value);
      offsetSeconds = high * TWO_POW_32 + u32(bytes, little ? value : value + 4, little);
    }
    at = value + length + ((4 - (length % 4)) % 4);
  }
  return new CaptureClock(unitsPerSecond, offsetSeconds);
}
