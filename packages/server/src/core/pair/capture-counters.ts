/** What became of the messages of a capture; shared by all its connections. Bytes are in `StreamTally`, packets elsewhere. */

export class CaptureCounters {
  requests = 0;
  responses = 0;
  /** 1xx responses: part of an exchange, no message of their own. */
  interim = 0;
  /** Left out because they carry the mark of a replay. */
  replays = 0;
  /** Requests that wait for their answers now. */
  requestsWaiting = 0;
  /** Requests whose answer was not seen, with responses tracked. */
  unanswered = 0;
  /** Responses whose request was not seen, or cannot be told. */
  unrequested = 0;
  /** Messages that were not whole, by what ended them. */
  readonly incompleteBy: Map<string, number> = new Map();

  incomplete(reason: string): void {
    this.incompleteBy.set(reason, (this.incompleteBy.get(reason) ?? 0) + 1);
  }
}
