// The one table of error codes: what an operating error means for the loop, for HTTP and for the shell.
// Bad input is not here (it is a list of issues); bugs are not here either (they throw and end the process).

/**
 * What to do about an error: `wait` (somebody else is at it: look again), `retry` (with back-off), `stalled` (no retry helps
 * until a person edits something; it is still looked at with the slowest back-off, since the host may change), `refuse` (the caller was wrong).
 */
export type ErrorRemedy = "wait" | "retry" | "stalled" | "refuse";

interface ErrorCodeFacts {
  remedy: ErrorRemedy;
  /** HTTP status on every server. */
  status: number;
  /** Whether the same request may succeed later without an edit; one error of the code may say that it may not. */
  retryable: boolean;
  /** Exit code of the CLI: 1 failed, 2 bad usage, 3 not found, 4 timed out waiting. */
  exitCode: number;
}

export const ERROR_CODES = {
  InvalidArgument: { remedy: "refuse", status: 400, retryable: false, exitCode: 2 },
  InvalidConfig: { remedy: "refuse", status: 422, retryable: false, exitCode: 1 },
  Unauthenticated: { remedy: "refuse", status: 401, retryable: false, exitCode: 1 },
  Forbidden: { remedy: "refuse", status: 403, retryable: false, exitCode: 1 },
  NotFound: { remedy: "refuse", status: 404, retryable: false, exitCode: 3 },
  PayloadTooLarge: { remedy: "refuse", status: 413, retryable: false, exitCode: 1 },
  UnsupportedMediaType: { remedy: "refuse", status: 415, retryable: false, exitCode: 1 },
  Aborted: { remedy: "wait", status: 409, retryable: true, exitCode: 1 },
  /** The exact container that the caller meant is gone or was replaced. */
  StaleHandle: { remedy: "wait", status: 409, retryable: true, exitCode: 1 },
  /** Another container has the name, or somebody is already removing this one. */
  EngineConflict: { remedy: "wait", status: 409, retryable: true, exitCode: 1 },
  NotReady: { remedy: "retry", status: 503, retryable: true, exitCode: 1 },
  ControllerUnreachable: { remedy: "retry", status: 503, retryable: true, exitCode: 1 },
  GatewayUnreachable: { remedy: "retry", status: 503, retryable: true, exitCode: 1 },
  EngineUnreachable: { remedy: "retry", status: 503, retryable: true, exitCode: 1 },
  EngineTimeout: { remedy: "retry", status: 504, retryable: true, exitCode: 1 },
  EngineFailed: { remedy: "retry", status: 502, retryable: true, exitCode: 1 },
  ImageMissing: { remedy: "retry", status: 503, retryable: true, exitCode: 1 },
  /** The engine understood and refused: a bad mount, an rlimit above the host's, an unknown runtime. */
  SpecRejected: { remedy: "stalled", status: 422, retryable: false, exitCode: 1 },
  HostRejected: { remedy: "stalled", status: 422, retryable: false, exitCode: 1 },
  /** What processes left behind about themselves is not as it was written. */
  RecordsBroken: { remedy: "refuse", status: 502, retryable: false, exitCode: 1 },
  LimitExceeded: { remedy: "refuse", status: 429, retryable: true, exitCode: 1 },
  /** A bug; its text may hold anything and is not shown. */
  InternalError: { remedy: "refuse", status: 500, retryable: false, exitCode: 1 },
  TimedOut: { remedy: "retry", status: 504, retryable: true, exitCode: 4 },
} as const satisfies Record<string, ErrorCodeFacts>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** An operating error: something in the world, not in the code, is in the way. */
export class OperationError extends Error {
  override readonly name = "OperationError";
  readonly code: ErrorCode;
  /** What a person does about it: an exact command or key. */
  readonly fix: string | undefined;
  /** Whether the same request may succeed later without an edit. */
  readonly retryable: boolean;

  /** @param options `retryable`: absent, it is as the table says of the code */
  constructor(code: ErrorCode, message: string, options: { cause?: unknown; fix?: string; retryable?: false } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.fix = options.fix;
    this.retryable = options.retryable ?? ERROR_CODES[code].retryable;
  }

  get remedy(): ErrorRemedy {
    return ERROR_CODES[this.code].remedy;
  }
}

/** One sentence for people: the message, and the fix where there is one. */
export function renderError(error: unknown): string {
  if (error instanceof OperationError) return error.fix === undefined ? error.message : `${error.message} (${error.fix})`;
  return error instanceof Error ? error.message : String(error);
}

export function isErrorCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof OperationError && error.code === code;
}
