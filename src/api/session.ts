// The Session object: the gateway's request for a sandbox for a conversation. One JSON file each; the controller only reads them.
import { z } from "zod";
import { type EpochMs, toAgentId, toEpochMs, toSessionKey } from "./brands.ts";

/** The sandbox interface's version; a change that an older reader would misread gets a new one. */
export const API_VERSION = "openclaw.ai/v1";
export const SESSION_FILE_SUFFIX = ".session.json";
/** A Session object is under 1 KiB; 64 times that is an attack or an accident. */
export const SESSION_FILE_BYTES_MAX = 65_536;

export const AgentIdSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, "expected [a-z0-9][a-z0-9_-]{0,63}")
  .transform(toAgentId);

/** RFC 3339 in, milliseconds since the epoch out. */
const Time = z.iso.datetime({ offset: true }).transform((text) => toEpochMs(Date.parse(text)));

export const SESSION_KINDS = ["main", "group", "direct", "cron", "hook", "subagent", "mcp"] as const;
export type SessionKind = (typeof SESSION_KINDS)[number];

const SessionKeySchema = z
  .string()
  .max(512)
  // No control characters, those of terminals with eight bits among them, and no half of a character.
  .regex(/^agent:[a-z0-9][a-z0-9_-]{0,63}:[^\p{Cc}\p{Cs}]+$/u, "expected agent:<agentId>:<rest>")
  .transform(toSessionKey);

export const Session = z
  .strictObject({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal("Session"),
    metadata: z.strictObject({
      /** File name without `.session.json`. */
      name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,127}$/, "expected [a-z0-9][a-z0-9._-]{0,127}"),
      uid: z.uuid(),
      createdAt: Time,
      /** The conversation is removed; the file itself goes once the controller has seen the end. Only with `spec.endedAt`. Absent: it is kept. */
      deletedAt: Time.optional(),
    }),
    spec: z.strictObject({
      key: SessionKeySchema,
      agentId: AgentIdSchema,
      kind: z.enum(SESSION_KINDS),
      /** The session that began it. Absent: nobody's child, or begun before this was written down. */
      parentKey: SessionKeySchema.optional(),
      /** Last message or tool call. Absent: never used. */
      lastActivityAt: Time.optional(),
      /** Last use of its browser, or when one was requested. Absent: it wants none. A version that knows no such key can't read the file. */
      browserUsedAt: Time.optional(),
      /** Set once, when the conversation is over. Absent: live. */
      endedAt: Time.optional(),
    }),
  })
  .refine((session) => session.metadata.deletedAt === undefined || session.spec.endedAt !== undefined, {
    path: ["spec", "endedAt"],
    error: "a deleted session must have an end time",
  })
  .refine((session) => session.spec.key.startsWith(`agent:${session.spec.agentId}:`), {
    path: ["spec", "key"],
    error: "the key names another agent than spec.agentId",
  });
export type Session = z.output<typeof Session>;
/** A Session as its file holds it: times as RFC 3339 text. */
export type SessionFile = z.input<typeof Session>;

/** Last use of the conversation; its creation if it was never used. */
export function lastActivityOf(session: Session): EpochMs {
  return session.spec.lastActivityAt ?? session.metadata.createdAt;
}
