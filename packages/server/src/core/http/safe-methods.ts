/** RFC 9110 9.2.1: methods that change nothing at the target, so that a request may be sent twice. */
export const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);
