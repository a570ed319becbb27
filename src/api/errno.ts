// What the operating system calls an error. What that means to a person is store/atomic-file.ts's, and the callers'.

/** `ENOENT` and the like; empty for what is no system error. */
export function errnoOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}
