// What the servers (HTTP, WebSocket, MCP) and the tools need from each other: a call and its events, and the sessions that session tools act on.
// Types only: the tools are tools/, the sessions sessions/, the servers http/.
import type { AgentId, DurationMs, EpochMs, SessionKey } from "../../api/brands.ts";
import type { MESSAGE_ROLES } from "../../api/message-roles.ts";
import type { Session, SessionKind } from "../../api/session.ts";
import type { ThinkingLevel } from "../../api/thinking.ts";
import type { ToolDecision } from "../../api/tool-policy.ts";
import type { PublishedSchema } from "./published-schema.ts";

/** What a running tool tells, in order; its end is the call's result. */
export type ToolEvent =
  /** `terminal`: the id of the one that was opened; absent: the call opened none. */
  | { kind: "started"; sandbox: string | null; terminal?: string }
  | { kind: "progress"; message: string }
  | { kind: "stdout" | "stderr"; chunk: Buffer };

export interface ToolCall {
  session: Session;
  /** As the caller wrote it; aliases are resolved by the policy. */
  tool: string;
  /** Not yet checked: the tool parses it. */
  input: unknown;
  /** Of the run that a model's call belongs to. Absent: `NO_RUN`. */
  speaker?: Speaker;
  /** Aborted when the caller has gone or took it back: what runs inside is killed. */
  signal: AbortSignal;
  /** Resolves when the caller has taken it: a slow reader slows the tool down. Never rejects. */
  emit(event: ToolEvent): Promise<void>;
}

/** Whose word it is when a session says something to another one. It goes with the call: who runs in that session a moment later is somebody else. */
export interface Speaker {
  /** Everybody who is part of the run has the owner's rights. */
  isOwner: boolean;
  /** How many sessions in a row spoke to each other until that run began. 0: a person or a schedule did. */
  hops: number;
}

/** A client calls by itself: what it says to a session has nobody's rights. */
export const NO_RUN: Speaker = { isOwner: false, hops: 0 };

export type ToolContent = { type: "text"; text: string } | { type: "image"; mimeType: string; data: string };

export interface ToolResult {
  /** For a model or a person to read. */
  content: readonly ToolContent[];
  /** The same for a program, e.g. `{ code, reason }` of a command. */
  details: Readonly<Record<string, unknown>>;
  /** Whether the tool ran and failed, as a command with an exit code other than 0. */
  isError: boolean;
}

export interface ToolDescription {
  name: string;
  description: string;
  inputSchema: PublishedSchema;
  decision: ToolDecision;
}

export interface Tools {
  /** Every tool that there is, with what the session's policy says of it. */
  list(session: Pick<Session, "spec">): Promise<readonly ToolDescription[]>;
  /** For what begins something before it calls. @throws OperationError `NotFound` (no such tool), `Forbidden` (the policy's refusal) */
  admit(session: Pick<Session, "spec">, tool: string): void;
  /** @throws OperationError `NotFound` (no such tool), `Forbidden` (the policy's refusal), `InvalidArgument`, and what the sandbox says */
  call(call: ToolCall): Promise<ToolResult>;
}

/** One line of a transcript. */
export interface Message {
  /** Counts from 1, without gaps. */
  id: number;
  at: EpochMs;
  role: (typeof MESSAGE_ROLES)[number];
  text: string;
  /** The session that sent it. null: from outside. */
  from: SessionKey | null;
}

export interface SpawnOptions {
  /** Absent: the parent's agent. Another one must be at least as confined. */
  agentId?: AgentId;
  /** Appended to the child's transcript. */
  task?: string;
  /** Absent: as any session. */
  choices?: SpawnChoices;
  /** Whose the task is. Absent: `NO_RUN`. */
  speaker?: Speaker;
}

/** How the runs of a child go on; null: as those of any session. */
export interface SpawnChoices {
  /** For people, and its parent. */
  label: string | null;
  /** A reference or an alias that the config has. */
  model: string | null;
  thinking: ThinkingLevel | null;
  /** Of each of its runs, and no longer than the config allows. */
  timeoutMs: DurationMs | null;
  /** Whether it is deleted, with its sandbox, once its answer was announced. */
  isDeleted: boolean;
}

/** Sessions as one of them may see them. Every method is limited to what `viewer` may reach; anything else is `NotFound`. */
export interface SessionPort {
  list(viewer: Session): Promise<readonly SessionView[]>;
  get(viewer: Session, key: string): Promise<SessionView>;
  /** At most `limit` messages after the one with that id, oldest first. */
  history(viewer: Session, key: string, page: { after: number; limit: number }): Promise<readonly Message[]>;
  send(viewer: Session, key: string, said: { text: string; speaker: Speaker }): Promise<Message>;
  spawn(viewer: Session, options: SpawnOptions): Promise<SessionView>;
}

export interface SessionView {
  key: SessionKey;
  agentId: AgentId;
  kind: SessionKind;
  createdAt: EpochMs;
  /** null: never used. */
  lastActivityAt: EpochMs | null;
  /** null: live. */
  endedAt: EpochMs | null;
  sandboxed: boolean;
  /** When its browser was used last. null: it wants none. */
  browserUsedAt: EpochMs | null;
  messages: number;
}
