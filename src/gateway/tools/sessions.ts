// The tools about sessions: list them, read and send messages, begin a child, and how one is.
// Which sessions a caller may see, and what becomes of them, is the port's.
import { z } from "zod";
import { renderTime, toDurationMs } from "../../api/brands.ts";
import { REFERENCE_LENGTH_MAX } from "../../api/models/reference.ts";
import { AgentIdSchema } from "../../api/session.ts";
import { THINKING_LEVELS } from "../../api/thinking.ts";
import { defineTool, toTextResult } from "./tool.ts";
import type { SessionView } from "./tool-port.ts";

const SessionKeyText = z.string().min(1).max(512);
const MESSAGE_LENGTH_MAX = 1_048_576;
const SESSIONS_MAX = 1_000;
const HISTORY_MAX = 200;
const HISTORY_DEFAULT = 50;
const LABEL_LENGTH_MAX = 120;
/** Two days: as long as any run may take. */
const RUN_SECONDS_MAX = 172_800;

const listTool = defineTool({
  name: "sessions_list",
  description: "List the sessions that this one may see.",
  input: z.strictObject({
    limit: z
      .int()
      .min(1)
      .max(SESSIONS_MAX)
      .optional()
      .describe("Most sessions, those that were used last first. Absent: all, in order of key"),
  }),
  isInside: false,
  run: async ({ sessions, session }, { limit }) => {
    const all = await sessions.list(session);
    const views = limit === undefined ? all : all.toSorted(byLastUse).slice(0, limit);
    return toTextResult(views.map(renderSession).join("\n") || "(no sessions)", { items: views });
  },
});

const historyTool = defineTool({
  name: "sessions_history",
  description: "Read the messages of a session, oldest first.",
  input: z.strictObject({
    sessionKey: SessionKeyText.optional().describe("Absent: this session"),
    after: z.int().min(0).optional().describe("Only messages after the one with this id"),
    limit: z.int().min(1).max(HISTORY_MAX).optional().describe(`Most messages; default ${HISTORY_DEFAULT}`),
  }),
  isInside: false,
  run: async ({ sessions, session }, { sessionKey, after, limit }) => {
    const messages = await sessions.history(session, sessionKey ?? session.spec.key, {
      after: after ?? 0,
      limit: limit ?? HISTORY_DEFAULT,
    });
    const text = messages.map(
      ({ id, at, role, from, text: said }) => `#${id} ${renderTime(at)} ${role}${from === null ? "" : ` (${from})`}: ${said}`,
    );
    return toTextResult(text.join("\n") || "(no messages)", { items: messages });
  },
});

const sendTool = defineTool({
  name: "sessions_send",
  description: "Send a message to another session.",
  input: z.strictObject({ sessionKey: SessionKeyText, message: z.string().min(1).max(MESSAGE_LENGTH_MAX) }),
  isInside: false,
  run: async ({ sessions, session, speaker }, { sessionKey, message }) => {
    const { id } = await sessions.send(session, sessionKey, { text: message, speaker });
    return toTextResult(`sent to ${sessionKey} as message ${id}`, { sessionKey, id });
  },
});

const spawnTool = defineTool({
  name: "sessions_spawn",
  description: "Begin a child session with a task of its own. It is at least as confined as this one.",
  input: z.strictObject({
    task: z.string().min(1).max(MESSAGE_LENGTH_MAX).optional().describe("The child's first message"),
    agentId: AgentIdSchema.optional().describe("Absent: this session's agent"),
    label: z.string().trim().min(1).max(LABEL_LENGTH_MAX).optional().describe("What the child is for, in a few words"),
    model: z.string().trim().min(1).max(REFERENCE_LENGTH_MAX).optional().describe("Which model answers in the child. Absent: its agent's"),
    thinking: z.enum(THINKING_LEVELS).optional().describe("How hard that model thinks. Absent: as its agent is configured"),
    runTimeoutSeconds: z
      .int()
      .min(1)
      .max(RUN_SECONDS_MAX)
      .optional()
      .describe("Seconds that each of its runs may take. Absent: as the config says"),
    cleanup: z
      .enum(["keep", "delete"])
      .optional()
      .describe("delete: the child is removed, with its sandbox, once its answer was announced. Default keep"),
  }),
  isInside: false,
  run: async (
    { sessions, session, speaker },
    { task, agentId, label = null, model = null, thinking = null, runTimeoutSeconds, cleanup },
  ) => {
    const timeoutMs = runTimeoutSeconds === undefined ? null : toDurationMs(runTimeoutSeconds * 1_000);
    const child = await sessions.spawn(session, {
      ...{ ...(task !== undefined && { task }), ...(agentId !== undefined && { agentId }) },
      choices: { label, model, thinking, timeoutMs, isDeleted: cleanup === "delete" },
      speaker,
    });
    return toTextResult(`began ${child.key}`, { session: child });
  },
});

const statusTool = defineTool({
  name: "session_status",
  description: "How a session is: its kind, when it was used, whether it is sandboxed.",
  input: z.strictObject({ sessionKey: SessionKeyText.optional().describe("Absent: this session") }),
  isInside: false,
  run: async ({ sessions, session }, { sessionKey }) => {
    const view = await sessions.get(session, sessionKey ?? session.spec.key);
    return toTextResult(renderSession(view), { session: view });
  },
});

export const SESSION_TOOLS = [listTool, historyTool, sendTool, spawnTool, statusTool];

const byLastUse = (one: SessionView, other: SessionView): number =>
  (other.lastActivityAt ?? other.createdAt) - (one.lastActivityAt ?? one.createdAt);

function renderSession({ key, kind, lastActivityAt, endedAt, sandboxed, messages }: SessionView): string {
  const used = lastActivityAt === null ? "never used" : `used ${renderTime(lastActivityAt)}`;
  const ended = endedAt === null ? "" : `, ended ${renderTime(endedAt)}`;
  return `${key}  ${kind}, ${sandboxed ? "sandboxed" : "not sandboxed"}, ${messages} messages, ${used}${ended}`;
}
