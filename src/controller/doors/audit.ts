// Writes down every call that comes in over the stream socket: who asked for what in whose sandbox, and whether it was let through.
// Arguments may hold secrets: of a command only its name is written. What is let through is session-gate.ts.
import type { Logger } from "pino";
import { OperationError } from "../../api/errors.ts";
import type { SandboxTool } from "../../api/wire.ts";
import type { EventInput } from "../event-log.ts";
import type { Admitted } from "../session-gate.ts";

export interface AuditParts {
  log: Logger;
  record(event: EventInput): void;
}

export interface AuditedCall {
  /** As the caller said it. */
  key: string;
  tool: SandboxTool;
  /** Empty: no command is started. */
  argv: readonly string[];
}

const TEXT_LENGTH_MAX = 200;

export class Audit {
  readonly #parts: AuditParts;

  constructor(parts: AuditParts) {
    this.#parts = parts;
  }

  /** Does what lets the call through, and writes down how it ended; what it throws passes through. */
  call({ key, tool, argv }: AuditedCall, admit: () => Admitted): Admitted {
    const call = { session: key.slice(0, TEXT_LENGTH_MAX), tool, command: argv[0]?.slice(0, TEXT_LENGTH_MAX), arguments: argv.length };
    try {
      const admitted = admit();
      this.#parts.log.info({ ...call, sandbox: admitted.sandbox }, "stream call");
      return admitted;
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
      this.#parts.log.warn({ ...call, code: error.code, because: error.message }, "stream call refused");
      if (error.code === "Forbidden") {
        const object = { kind: "Session", name: call.session } as const;
        this.#parts.record({ type: "Warning", reason: "StreamCallRefused", message: `${tool}: ${error.message}`, object });
      }
      throw error;
    }
  }
}
