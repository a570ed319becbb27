// The one way to a tool: the policy is asked, the input checked, the session's sandbox made ready, the tool run. What every call has in common
// is here, what each tool does in its own file, who may call for a session at the doors.
import type { SessionKey } from "../../api/brands.ts";
import type { Config, HostFolders } from "../../api/config/config.ts";
import { OperationError } from "../../api/errors.ts";
import type { Session } from "../../api/session.ts";
import { renderRefusal } from "../../api/tool-policy.ts";
import type { SandboxPort } from "../sandbox-port.ts";
import type { SessionPort, ToolCall, ToolDescription, ToolResult, Tools } from "../tool-port.ts";
import { decideFor, type ToolAccess, toToolAccess } from "./access.ts";
import { findTool, TOOLS } from "./catalog.ts";

/** Counts calls; `tool` is from the catalog. */
export interface ToolMeter {
  called(tool: string, result: "success" | "failure" | "error" | "aborted"): void;
  denied(tool: string): void;
}

export interface ToolParts {
  /** The one in force now. */
  config(): Config;
  folders: HostFolders;
  sandbox: SandboxPort;
  /** The gateway's host as seen by one unsandboxed session. @param workdir absolute */
  host(workdir: string): SandboxPort;
  sessions: SessionPort;
  /** The session is used now; resolves when the controller can know it. */
  touch(key: SessionKey): Promise<void>;
  meter: ToolMeter;
  /** 8 to 32 of `[a-z0-9]`, never the same again. */
  newId(): string;
}

export class ToolDispatcher implements Tools {
  readonly #parts: ToolParts;

  constructor(parts: ToolParts) {
    this.#parts = parts;
  }

  async list(session: Session): Promise<readonly ToolDescription[]> {
    const access = this.#accessOf(session);
    return TOOLS.map(({ name, description, inputSchema, isInside }) => ({
      name,
      description,
      inputSchema,
      decision: decideFor(access, name, isInside),
    }));
  }

  async call(call: ToolCall): Promise<ToolResult> {
    const { meter, touch } = this.#parts;
    const { key } = call.session.spec;
    const access = this.#accessOf(call.session);
    const tool = this.#admit(access, call.tool);
    const run = tool.prepare(call.input);
    let result: Parameters<ToolMeter["called"]>[1] = "error";
    try {
      // Before the wait: what is used now is wanted, and woken if it sleeps.
      await touch(key);
      const port = access.sandbox === null ? this.#parts.host(access.workdir) : this.#parts.sandbox;
      const sandbox = tool.isInside ? await ensureReady(port, call) : null;
      await call.emit({ kind: "started", sandbox });
      const { sessions, newId } = this.#parts;
      const answer = await run({ ...call, ...access, port, sessions, newId });
      result = answer.isError ? "failure" : "success";
      await touch(key);
      return answer;
    } catch (error) {
      if (!call.signal.aborted) throw error;
      result = "aborted";
      throw new OperationError("Aborted", "the call was taken back", { cause: error });
    } finally {
      meter.called(tool.name, result);
    }
  }

  /** @throws OperationError `Forbidden`, `NotFound` */
  #admit(access: ToolAccess, name: string): (typeof TOOLS)[number] {
    const known = findTool(decideFor(access, name, false).tool);
    const decision = decideFor(access, name, known?.isInside ?? false);
    if (!decision.allowed) {
      if (known !== undefined) this.#parts.meter.denied(known.name);
      throw new OperationError("Forbidden", renderRefusal(decision));
    }
    if (known === undefined) throw new OperationError("NotFound", `there is no tool ${JSON.stringify(name.slice(0, 80))} in this gateway`);
    return known;
  }

  #accessOf(session: Session): ToolAccess {
    return toToolAccess(this.#parts.config(), session, this.#parts.folders);
  }
}

async function ensureReady(port: SandboxPort, { session, signal, emit }: ToolCall): Promise<string | null> {
  let told: Promise<void> = Promise.resolve();
  const progress = ({ reason, message }: { reason: string; message: string }): void => {
    told = told.then(() => emit({ kind: "progress", message: `${reason}: ${message}` }));
  };
  const name = await port.ensureReady(session.spec.key, progress, signal);
  await told;
  return name;
}
