// Writes down every call that comes in over the stream socket: who asked for what in whose sandbox, and whether it was let through.
// And every approval that carries a device's signature. Arguments may hold secrets: of a command only its name is written.
// What is let through is session-gate.ts's and approval-gate.ts's.
import type { Logger } from "pino";
import type { InstanceId, SandboxName } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import type { KeyKind } from "../../api/gateway-protocol/approvals.ts";
import type { ApprovalSubject } from "../../api/gateway-protocol/device-proof.ts";
import type { SandboxTool } from "../../api/wire.ts";
import type { EventInput } from "../records/event-log.ts";

export interface AuditParts {
  instance: InstanceId;
  log: Logger;
  record(event: EventInput): void;
}

export interface AuditedCall {
  /** As the caller said it. */
  key: string;
  /**
   * `release`: the sandbox is to go with its session. `prompt`: what the workspace says of how its agent works is read. `browser`: a connection to its
   * browser.
   */
  tool: SandboxTool | "release" | "prompt" | "browser";
  /** Empty: no command is started. */
  argv: readonly string[];
  /** It changes nothing, and a page asks every few seconds: it is written down at level debug, its refusals as all others. Absent: no. */
  isLook?: boolean;
  /** For whom the gateway asks, as it says. Absent: it does not say. */
  by?: string;
}

export interface AuditedRequest {
  action: "recreate" | "pin" | "unpin";
  /** As the caller said it. */
  sandbox: string;
  /** For whom the gateway asks, as it says. null: it does not say. */
  by: string | null;
}

export interface AuditedApproval {
  action: ApprovalSubject["action"];
  /** As the caller said it. null: it is about none. */
  sandbox: string | null;
  /** Whose signature it carries, as the caller says. */
  device: string;
  /** Whether the controller knows that device's key: of made-up ones the events would be without end, and push out all others. */
  isKnown: boolean;
}

const TEXT_LENGTH_MAX = 200;

export class Audit {
  readonly #parts: AuditParts;

  constructor(parts: AuditParts) {
    this.#parts = parts;
  }

  /** Does what lets the call through, and writes down how it ended; what it throws passes through. */
  call<Admitted extends { sandbox: SandboxName | null }>(
    { key, tool, argv, isLook = false, by }: AuditedCall,
    admit: () => Admitted,
  ): Admitted {
    const command = { command: argv[0]?.slice(0, TEXT_LENGTH_MAX), arguments: argv.length };
    const call = { session: key.slice(0, TEXT_LENGTH_MAX), tool, ...command, ...(by !== undefined && { by }) };
    try {
      const admitted = admit();
      this.#parts.log[isLook ? "debug" : "info"]({ ...call, sandbox: admitted.sandbox }, "stream call");
      return admitted;
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
      this.#parts.log.warn({ ...call, code: error.code, because: error.message }, "stream call refused");
      const object = this.#objectOf(error, call.session);
      if (object !== null)
        this.#parts.record({ type: "Warning", reason: "StreamCallRefused", message: `${tool}: ${error.message}`, object });
      throw error;
    }
  }

  /** The same for what is requested about a sandbox. */
  request({ action, sandbox, by }: AuditedRequest, admit: () => SandboxName): SandboxName {
    const request = { action, by };
    try {
      const name = admit();
      this.#parts.log.info({ ...request, sandbox: name }, "stream request");
      return name;
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
      const written = sandbox.slice(0, TEXT_LENGTH_MAX);
      this.#parts.log.warn({ ...request, sandbox: written, code: error.code, because: error.message }, "stream request refused");
      throw error;
    }
  }

  /** The same for what carries a device's signature: mostly an event too, since it ends or removes something. */
  async approval({ action, sandbox, device, isKnown }: AuditedApproval, admit: () => Promise<unknown>): Promise<void> {
    const approval = { action, sandbox: sandbox?.slice(0, TEXT_LENGTH_MAX) ?? null, device };
    try {
      await admit();
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
      this.#parts.log.warn({ ...approval, code: error.code, because: error.message }, "approval refused");
      if (isKnown) this.#recordApproval("Warning", "ApprovalRefused", `${action} by device ${device}: ${error.message}`);
      throw error;
    }
    this.#parts.log.info(approval, "approval accepted");
    this.#recordApproval("Normal", "ApprovalAccepted", `${action}${sandbox === null ? "" : ` of ${sandbox}`} by device ${device}`);
  }

  /** Whose signatures count from now on, or no more. */
  key(change: "registered" | "withdrawn", device: string, kind: KeyKind): void {
    this.#parts.log.info({ device, kind }, `approval key ${change}`);
    const reason = change === "registered" ? "ApprovalKeyRegistered" : "ApprovalKeyWithdrawn";
    this.#recordApproval("Normal", reason, `device ${device} (${kind})`);
  }

  #recordApproval(type: EventInput["type"], reason: string, message: string): void {
    this.#parts.record({ type, reason, message, object: { kind: "Controller", name: this.#parts.instance } });
  }

  /** Whose event a refusal is. null: none, since it passes by itself. A session that is not there has none: made-up keys would push out all others. */
  #objectOf({ code }: OperationError, session: string): EventInput["object"] | null {
    if (code === "Forbidden") return { kind: "Session", name: session };
    return code === "NotFound" ? { kind: "Controller", name: this.#parts.instance } : null;
  }
}
