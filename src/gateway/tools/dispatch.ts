// The one way to a tool: the policy is asked, the input checked, the session's sandbox made ready, the tool run. What every call has in common
// is here; what each tool does is in its own file; who may call for a session is the servers' business.

import type { SessionKey } from "../../api/brands.ts";
import type { Config, HostFolders } from "../../api/config/config.ts";
import { OperationError } from "../../api/errors.ts";
import { KeyedMutex } from "../../api/keyed-mutex.ts";
import { toSafeLine } from "../../api/safe-text.ts";
import type { Session } from "../../api/session.ts";
import { isKnownTool, renderRefusal } from "../../api/tool-policy.ts";
import type { Browsers } from "../browser/browsers.ts";
import type { SandboxPort, SandboxProcesses } from "../sandbox/sandbox-port.ts";
import { type ToolAccess, toToolAccess } from "./access.ts";
import { findTool, TOOLS } from "./catalog.ts";
import type { TerminalPlace } from "./terminal.ts";
import type { Tool } from "./tool.ts";
import { NO_RUN, type SessionPort, type ToolCall, type ToolDescription, type ToolResult, type Tools } from "./tool-port.ts";

export interface ToolParts {
  /** The one in force now. */
  config(): Config;
  folders: HostFolders;
  sandbox: SandboxPort;
  /** The gateway's host as seen by one unsandboxed session. @param workdir absolute */
  host(workdir: string): SandboxPort;
  sessions: SessionPort;
  browsers: Browsers;
  /** 8 to 32 of `[a-z0-9]`, never the same again. */
  newId(): string;
}

export class ToolDispatcher implements Tools {
  readonly #parts: ToolParts;
  readonly #mutex = new KeyedMutex<SessionKey>();

  constructor(parts: ToolParts) {
    this.#parts = parts;
  }

  async list(session: Pick<Session, "spec">): Promise<readonly ToolDescription[]> {
    const access = this.#accessOf(session);
    return TOOLS.map(({ name, description, inputSchema }) => ({ name, description, inputSchema, decision: access.decide(name) }));
  }

  admit(session: Pick<Session, "spec">, tool: string): void {
    admit(this.#accessOf(session), tool);
  }

  async call(call: ToolCall): Promise<ToolResult> {
    const access = this.#accessOf(call.session);
    const tool = admit(access, call.tool);
    const run = tool.prepare(call.input);
    try {
      const port = access.sandbox === null ? this.#parts.host(access.workdir) : this.#parts.sandbox;
      const sandbox = tool.isInside ? await ensureReady(port, call) : null;
      await call.emit({ kind: "started", sandbox });
      const { sessions, browsers, newId } = this.#parts;
      const work = (): Promise<ToolResult> => run({ speaker: NO_RUN, ...call, ...access, port, sessions, browsers, newId });
      return await (tool.holdsFiles ? this.#mutex.run(call.session.spec.key, work) : work());
    } catch (error) {
      throw call.signal.aborted ? new OperationError("Aborted", "the call was cancelled", { cause: error }) : error;
    }
  }

  /** Where the session's detached processes are. @throws OperationError `Forbidden` by the policy on the host; in a sandbox the controller asks it */
  processesOf(session: Pick<Session, "spec">): SandboxProcesses {
    const access = this.#accessOf(session);
    if (access.sandbox !== null) return this.#parts.sandbox.processes;
    const decision = access.decide("process");
    if (!decision.allowed) throw new OperationError("Forbidden", renderRefusal(decision));
    return this.#parts.host(access.workdir).processes;
  }

  /** Where a person's terminal runs. @throws OperationError `Forbidden` by the policy of `exec`, and of a session that is not sandboxed */
  terminalOf(session: Pick<Session, "spec">): TerminalPlace {
    const access = this.#accessOf(session);
    admit(access, "exec");
    if (access.sandbox === null)
      throw new OperationError("Forbidden", "the session is not sandboxed, and the gateway's host gives no terminals to pages", {
        fix: "use a terminal of that host, or set agents.defaults.sandbox.mode to all",
      });
    return { port: this.#parts.sandbox, path: access.sandbox.docker.env.PATH, loginProfile: access.exec.loginProfile };
  }

  #accessOf(session: Pick<Session, "spec">): ToolAccess {
    return toToolAccess(this.#parts.config(), session, this.#parts.folders);
  }
}

/** The policy is asked about every tool of the product, here or not; of a name that is none no edit of it would make one. @throws OperationError `Forbidden`, `NotFound` */
function admit(access: ToolAccess, name: string): Tool {
  const decision = access.decide(name);
  if (!decision.allowed && isKnownTool(decision.tool)) throw new OperationError("Forbidden", renderRefusal(decision));
  const tool = findTool(decision.tool);
  if (tool === undefined) throw new OperationError("NotFound", `there is no tool ${JSON.stringify(name.slice(0, 80))} in this gateway`);
  return tool;
}

async function ensureReady(port: SandboxPort, { session, signal, emit }: ToolCall): Promise<string | null> {
  let told: Promise<void> = Promise.resolve();
  const progress = ({ reason, message }: { reason: string; message: string }): void => {
    told = told.then(() => emit({ kind: "progress", message: toSafeLine(`${reason}: ${message}`) }));
  };
  const name = await port.ensureReady(session.spec.key, progress, signal);
  await told;
  return name;
}
