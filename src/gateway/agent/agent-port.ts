// What the servers (HTTP, WebSocket, CLI, the page) and the agent loop need from each other: a message that may start a run, what a run tells
// while it goes on, and what is left of it afterwards. Types only: the loop is this folder's, the servers are http/ and ws/.
import type { z } from "zod";
import type { DurationMs, EpochMs, SessionKey } from "../../api/brands.ts";
import type { QueueMode } from "../../api/queue-modes.ts";
import type { ThinkingWish, VerboseLevel, VerboseWish } from "../../api/thinking.ts";
import type { TokenUsage } from "../models/model-call.ts";

/** UUID of one run: from a message until its final answer, or until it was ended. */
export type RunId = string & z.$brand<"RunId">;

/**
 * Who asks. Rights follow the requester, never the session: while anything of somebody who is not the owner is part of a run, the run has no more rights
 * than he has.
 */
export interface Requester {
  kind: "owner" | "device" | "token" | "session" | "schedule";
  /** `owner`, a device's id, a session's key, a job's id: for people and the transcript. */
  id: string;
  /** Whether he may have what only the owner may: tools that work on the gateway's host, commands that change how an agent works for all. */
  isOwner: boolean;
}

export interface Attachment {
  /** In the session's workspace, relative to it: `media/inbound/...`, where it already lies. */
  path: string;
  /** `image/png`; what is no image is only named to the model. */
  mediaType: string;
}

/** For one message alone; null: as the conversation and the config say. */
export interface Wishes {
  thinking: ThinkingWish | null;
  verbose: VerboseWish | null;
  /** A reference or an alias; `default`: the agent's. It then has a run of its own. */
  model: string | null;
}

export const NO_WISHES: Wishes = { thinking: null, verbose: null, model: null };

export interface ChatInput {
  /** The full key of a session that is there. */
  session: SessionKey;
  /** 1 to 1 048 576 characters. */
  text: string;
  /** At most 10. */
  attachments: readonly Attachment[];
  requester: Requester;
  /** Whether the requester wrote all of it: commands in what he repeats of others are text. */
  isOwnWord: boolean;
  /** null: the session's own, else the config's. */
  queueMode: QueueMode | null;
  /** The same key of the same session twice is one run, also after a restart. null: none. */
  idempotencyKey: string | null;
  /** Of the run that it starts; no longer than the config allows. null: as the config says. */
  timeoutMs: DurationMs | null;
  /** What its text says of that counts for more. */
  wishes: Wishes;
}

/**
 * `started`: its run has begun, or waits for its lane. `queued`: it waits for the end of the run that goes on. `steered`: the run that goes on takes it in.
 * `in_flight`: the idempotency key is known. `answered`: a command that needed no model.
 */
export type ChatStatus = "started" | "queued" | "steered" | "in_flight" | "answered";

export interface ChatAccepted {
  /** Of the run that answers it; for a command without one, its own. */
  runId: RunId;
  acceptedAt: EpochMs;
  status: ChatStatus;
  /** Of a command. null: the run says it. */
  reply: string | null;
}

export type RunOutcome = "final" | "aborted" | "error";

/**
 * `limit`: steps, time, or the same call again and again. `model`: no model answered. `overflow`: the conversation does not fit, compacted or not. `storage`: it
 * could not be written down. `internal`: a bug.
 */
export type RunErrorKind = "limit" | "model" | "overflow" | "storage" | "internal";

export interface RunError {
  kind: RunErrorKind;
  /** One sentence without a period and without secrets. */
  message: string;
  /** What a person does about it. null: nothing, or the message says so. */
  fix: string | null;
}

export type RunEvent = {
  runId: RunId;
  session: SessionKey;
  /** Counts per run from 1 without gaps. */
  seq: number;
  at: EpochMs;
} & RunEventBody;

export type RunEventBody =
  /** @property model as it is asked first @property verbose how much a client is to show. null: as it likes */
  | { kind: "started"; model: string; verbose: VerboseLevel | null }
  /** Of what the model says. After `restarted` it begins anew. */
  | { kind: "text"; delta: string }
  | { kind: "reasoning"; delta: string }
  /** What was said since the last tool call does not count: another call says it anew. */
  | { kind: "restarted" }
  /** What the model said until here is whole; text that follows is another piece. */
  | { kind: "text-ended"; text: string }
  | { kind: "tool-started"; callId: string; tool: string; input: unknown }
  /** Where it runs, once that is ready. @property sandbox the container's name; null: on the gateway's host, or nowhere in particular */
  | { kind: "tool-placed"; callId: string; sandbox: string | null }
  /** At most 256 KiB of a call; harmless to show. */
  | { kind: "tool-output"; callId: string; stream: "stdout" | "stderr"; text: string }
  /** @property skipped it never began @property text at most 64 KiB here; the whole is in the history */
  | { kind: "tool-ended"; callId: string; isError: boolean; text: string; details: Readonly<Record<string, unknown>>; skipped: boolean }
  | { kind: "steered"; text: string }
  /** What the gateway itself says to whoever reads along. */
  | { kind: "notice"; text: string }
  | { kind: "retrying"; message: string; afterMs: DurationMs }
  /** Tokens of what the model sees, estimated. */
  | { kind: "compacted"; before: number; after: number }
  /** @property text the whole answer; of an aborted run what there was of it. Empty with `final`: the agent chose to say nothing. */
  | { kind: "ended"; outcome: RunOutcome; text: string; error: RunError | null; usage: TokenUsage; steps: number };

export interface AbortReport {
  runs: number;
  /** Messages that waited and will not be answered. */
  queued: number;
  /** Runs of sessions that this one began, and of theirs. */
  children: number;
  /** Background commands that were killed. */
  processes: number;
  /** What could not be ended in time, each as a sentence. */
  unstoppable: readonly string[];
}

/** What a run has done so far, for a reader who comes in the middle. */
export interface CurrentRun {
  runId: RunId;
  startedAt: EpochMs;
  /** `seq` of the last event that is in here. */
  seq: number;
  /** What the model says now. */
  text: string;
  /** How much of it a client is to show. null: as it likes */
  verbose: VerboseLevel | null;
  tools: readonly { callId: string; tool: string; input: unknown; sandbox: string | null; output: string; isRunning: boolean }[];
}

/** One thing that a conversation shows. `id` counts from 1 in its file, with gaps: not every line is shown. */
export type HistoryItem = { id: number; at: EpochMs } & (
  | { kind: "user"; text: string; attachments: readonly Attachment[]; from: string; state: "answered" | "queued" | "interrupted" }
  /** @property isPartial it was ended in the middle */
  | { kind: "assistant"; text: string; runId: RunId | null; model: string | null; isPartial: boolean }
  | {
      kind: "tool";
      callId: string;
      tool: string;
      input: unknown;
      state: "running" | "done" | "failed" | "skipped" | "interrupted";
      text: string;
      sandbox: string | null;
      details: Readonly<Record<string, unknown>>;
      /** How much of it a client is to show. null: as it likes */
      verbose: VerboseLevel | null;
    }
  | { kind: "compaction"; summary: string; before: number; after: number }
  | { kind: "ended"; runId: RunId; outcome: Exclude<RunOutcome, "final"> | "interrupted"; error: RunError | null }
  /** What the gateway itself says: a command's reply, a child that was announced. */
  | { kind: "note"; text: string }
);

export interface ChatHistory {
  /** Oldest first. */
  items: readonly HistoryItem[];
  /** To ask with for what came before these. null: there is nothing before. */
  before: number | null;
}

export interface AgentPort {
  /** What was sent is on the disk when it resolves. @throws OperationError `NotFound`, `InvalidArgument`, `LimitExceeded`, `NotReady` (no model) with its fix */
  send(input: ChatInput): Promise<ChatAccepted>;
  /** Resolves when everything is over, 2 s at the latest. @param runId null: whatever goes on or waits */
  abort(session: SessionKey, runId: RunId | null): Promise<AbortReport>;
  /** An assistant's message without a model call. */
  inject(session: SessionKey, text: string, requester: Requester): Promise<void>;
  /** @param session null: of all @param listen must not throw, and keeps what it hears within its own bounds @returns it hears no more */
  follow(session: SessionKey | null, listen: (event: RunEvent) => void): () => void;
  /** null: nothing goes on. */
  current(session: SessionKey): CurrentRun | null;
  /** The newest, or those before an id. @param page `limit` 1 to 1 000 */
  history(session: SessionKey, page: { limit: number; before: number | null }): Promise<ChatHistory>;
  /** Whether a message starts a run, and which model is asked first. */
  isAvailable(session: SessionKey): { model: string } | { fix: string };
}
