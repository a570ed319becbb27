// The sessions behind MCP clients: planned for each, started with its first tool call, ended with everything it spawned when the client is gone. A
// client can't come back to one after a restart of the gateway, so what a former run left is ended too.
import type { Session } from "../../api/session.ts";
import type { SessionService } from "../sessions/service.ts";
import type { SessionEnd } from "../sessions/session-end.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { McpClientSession } from "./mcp-client.ts";

export interface McpSessionsParts {
  sessions: Sessions;
  service: SessionService;
  end: Pick<SessionEnd, "delete">;
}

export class McpSessions {
  readonly #parts: McpSessionsParts;

  constructor(parts: McpSessionsParts) {
    this.#parts = parts;
  }

  /** @param agentId null: the default agent. @throws OperationError `NotFound` (no such agent) */
  plan(agentId: string | null): McpClientSession {
    const { service, sessions } = this.#parts;
    const spec = service.planMcp(agentId);
    return { planned: { spec }, begin: () => sessions.create(spec) };
  }

  /** With the sessions that it spawned, which nobody else could reach. */
  async end(session: Session): Promise<void> {
    const { service, sessions } = this.#parts;
    for (const { key } of await service.list(session)) {
      const child = key === session.spec.key ? null : sessions.find(key);
      if (child !== null && child.spec.kind === "mcp") await this.end(child);
    }
    await this.#parts.end.delete(session);
  }

  async endLeft(): Promise<void> {
    const left = this.#parts.sessions.list().filter(({ spec }) => spec.kind === "mcp");
    for (const session of left) await this.#parts.end.delete(session);
  }
}
