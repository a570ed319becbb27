// What the loop is made of and does not make itself. Types only: open-agent.ts puts it together.
import type { Logger } from "pino";
import type { Clock } from "../../api/clock.ts";
import type { Config, HostFolders } from "../../api/config/config.ts";
import type { Session } from "../../api/session.ts";
import type { ModelService } from "../models/model-service.ts";
import type { SandboxProcesses } from "../sandbox/sandbox-port.ts";
import type { SessionService } from "../sessions/service.ts";
import type { SessionTools } from "../sessions/session-tools.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { AgentMetrics } from "./agent-metrics.ts";
import type { PromptFile } from "./decide/prompt.ts";

export interface AgentParts {
  sessions: Sessions;
  service: Pick<SessionService, "isSandboxed" | "view">;
  tools: Pick<SessionTools, "list" | "call">;
  /** Where its detached processes are. @throws OperationError `Forbidden` */
  processesOf(session: Session): SandboxProcesses;
  models: Pick<ModelService, "turn" | "first" | "spent">;
  config(): Config;
  folders: HostFolders;
  /** What the workspace says of how the agent works. Empty where it can't be read: that is said in the log. */
  promptFiles(session: Session): Promise<readonly PromptFile[]>;
  /** Bytes of a file of the session's workspace. @throws OperationError */
  readFile(session: Session, path: string, signal: AbortSignal): Promise<Uint8Array>;
  /** A new conversation under the same key. */
  reset(session: Session): Promise<unknown>;
  /** The conversation is over: its sandbox goes, and its files. */
  remove(session: Session): Promise<unknown>;
  metrics: Pick<AgentMetrics, "runEnded">;
  clock: Clock;
  /** A new UUID. */
  newUid(): string;
  /** Runs at the same time where the config does not say. */
  runsMaxDefault: number;
  log: Pick<Logger, "info" | "warn">;
  /** Told of what nobody waits for. */
  failed(error: unknown): void;
}
