/**
 * What tcpdump says of its packets, and whether the kernel still holds some of them for it. Pure: words in, figures out.
 *
 * tcpdump is shown packets a second after the first of them came, and no signal hurries that; what it was not shown when
 * it ends is lost. But it tells how many packets the kernel has taken for it, and how many it has seen.
 */
import type { SourceDrops } from "../engine.ts";

/** Milliseconds between two reports after which the kernel has shown all that the first one counts; it shows every second. */
const CALM_MS = 1800;

/** Said in one line when asked, behind its name, and in several at the end. It is written in pieces: the line's end is part of it. */
const REPORT =
  /(?:[^\s:]{1,32}: )?(?<!\d)(\d+) packets? captured,?\s+(\d+) packets? received by filter,?\s+(\d+) packets? dropped by kernel(?:,?\s+(\d+) packets? dropped by interface)?\n/g;

interface Report {
  /** It has seen these. */
  readonly captured: number;
  /** The kernel has taken these, or meant to: those it had no room for are among them. */
  readonly received: number;
  readonly kernel: number;
  readonly interface: number;
}

export class TcpdumpFigures {
  /** Reports so far. */
  reports = 0;
  /** What the kernel takes for each packet it shows: of the loopback interface both ends, of which libpcap leaves one out. */
  readonly #copies: number;
  #last: Report = { captured: 0, received: 0, kernel: 0, interface: 0 };
  /** Taken and never shown, such as what came before the filter was in place; known after a quiet time. */
  #neverShown = 0;
  #lastMs = Number.NaN;

  constructor(interfaceName: string) {
    this.#copies = interfaceName === "lo" ? 2 : 1;
  }

  get drops(): SourceDrops {
    return { kernel: this.#last.kernel, interface: this.#last.interface, overload: 0 };
  }

  /** Takes the reports out of what was said until `nowMs`, and returns the rest. */
  read(text: string, nowMs: number): string {
    return text.replace(REPORT, (_, captured, received, kernel, byInterface) => {
      const before = this.#last;
      this.#last = {
        captured: Number(captured),
        received: Number(received),
        kernel: Number(kernel),
        interface: Number(byInterface ?? before.interface),
      };
      const unseen = this.#unseen();
      const isCalm = nowMs - this.#lastMs >= CALM_MS && this.#last.received === before.received;
      this.#neverShown = isCalm ? unseen : Math.min(unseen, this.#neverShown);
      this.#lastMs = nowMs;
      this.reports += 1;
      return "";
    });
  }

  /** What had been taken when the last report was made. */
  mark(): number {
    return this.#last.received - this.#last.kernel;
  }

  /** Whether all that had been taken at the mark has been shown; false when that cannot be told. */
  hasShown(mark: number): boolean {
    // Which of the two ends was dropped is not known.
    if (this.#copies > 1 && this.#last.kernel > 0) return false;
    return this.#last.captured * this.#copies + this.#neverShown >= mark;
  }

  /** Taken and not shown, or not yet. */
  #unseen(): number {
    return Math.max(0, this.mark() - this.#last.captured * this.#copies);
  }
}
