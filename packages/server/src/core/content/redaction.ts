/** What the SDK writes instead of a secret unless it is told otherwise: the same for all, so that it names nobody. */
export const REDACTION_MARK = "REDACTED";
