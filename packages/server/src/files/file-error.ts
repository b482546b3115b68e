/** What went wrong with a file, in one sentence that says what to do. In: a path and an error of Node's. */
const HINTS: Readonly<Record<string, string>> = {
  ENOENT: "it does not exist",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EISDIR: "it is a directory",
  ENOTDIR: "a part of the path is not a directory",
  EROFS: "the file system is read-only",
  EMFILE: "this process has too many files open (see ulimit -n)",
  ENFILE: "this machine has too many files open",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EIO: "the disk or the terminal behind it does not work",
  EPIPE: "its reader has gone",
  ERR_STREAM_DESTROYED: "it was closed",
};

/** What an error code of the system means; the code itself when there are no words for it. */
export function hintOf(code: string): string {
  return HINTS[code] ?? code;
}

/** `cannot read x.gor: permission denied`, with the error as its cause. */
export function fileError(doing: string, path: string, error: unknown): Error {
  const hint = HINTS[codeOf(error)] ?? (error instanceof Error ? error.message : String(error));
  return new Error(`cannot ${doing} ${path}: ${hint}`, { cause: error });
}

/** Node's code of an error, such as `ENOSPC`, or "". */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
