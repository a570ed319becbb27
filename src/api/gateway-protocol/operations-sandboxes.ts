// Operations on sandboxes, which the controller answers: a part of the table in operations.ts. What the controller lets a gateway ask for is its own
// decision (controller/servers/).
import { z } from "zod";
import { EVENTS_MAX } from "../event.ts";
import { AgentIdSchema } from "../session.ts";
import type { Operation } from "./operation.ts";

/** Objects that the controller answers with; their form is its own interface. */
const Foreign = z.record(z.string(), z.unknown());
const Reference = z.string().min(1).max(512);
/** As many as the controller sends. */
const SETUP_LINES_MAX = 10_000;
const EGRESS_LINES_MAX = 10_000;
const ExplainedKind = z
  .enum(["tools", "browser"])
  .meta({ description: "`browser`: of the browser beside the sandbox; a sandbox's own name goes before it" });
const RequestAnswer = z.object({ sandbox: z.string().meta({ description: "Its full name" }) });

export const SANDBOX_OPERATIONS = {
  listSandboxes: {
    method: "get",
    path: "/v1/sandboxes",
    summary: "Every sandbox",
    scope: "operator.read",
    socket: "sandbox.list",
    answer: z.object({ items: z.array(Foreign) }),
  },
  getSandbox: {
    method: "get",
    path: "/v1/sandboxes/{name}",
    summary: "One sandbox with its events",
    scope: "operator.read",
    socket: "sandbox.get",
    answer: Foreign,
  },
  readSetupLog: {
    method: "get",
    path: "/v1/sandboxes/{name}/logs",
    summary: "What `docker.setupCommand` printed in the newest container",
    scope: "operator.read",
    socket: "sandbox.logs",
    query: z.object({ tail: z.int().min(1).max(SETUP_LINES_MAX).optional().meta({ description: "Newest lines; absent: 200" }) }),
    answer: z.object({
      state: z
        .enum(["none", "running", "succeeded", "failed"])
        .meta({ description: "`none`: there was no setup, or it ended before the controller started" }),
      text: z.string(),
      truncated: z.boolean().meta({ description: "Whether earlier output was dropped" }),
    }),
  },
  listEgress: {
    method: "get",
    path: "/v1/sandboxes/{name}/egress",
    summary: "What a sandbox with an egress list reached and was refused, oldest first, and how often each rule decided",
    scope: "operator.read",
    socket: "sandbox.egress",
    query: z.object({ tail: z.int().min(1).max(EGRESS_LINES_MAX).optional().meta({ description: "Newest decisions; absent: 200" }) }),
    answer: z.object({ items: z.array(Foreign), counts: z.array(Foreign) }),
  },
  explainSandbox: {
    method: "get",
    path: "/v1/explain",
    summary:
      "What is in force for an agent, a session or a sandbox, which line of the config says so, and what happens next; one of the three is needed",
    scope: "operator.read",
    socket: "sandbox.explain",
    query: z.object({
      name: Reference.optional(),
      session: Reference.optional(),
      agent: AgentIdSchema.optional(),
      kind: ExplainedKind.optional(),
    }),
    answer: Foreign,
  },
  recreateSandbox: {
    method: "post",
    path: "/v1/sandboxes/{name}/recreate",
    summary:
      "Requests a new container, once nothing runs in the one that is there; the workspace stays. Ending what runs is the command line's",
    scope: "operator.write",
    socket: "sandbox.recreate",
    answer: RequestAnswer,
  },
  pinSandbox: {
    method: "post",
    path: "/v1/sandboxes/{name}/pin",
    summary: "Keeps the sandbox as it is, whatever the config says; with `pinned: false` no longer",
    scope: "operator.write",
    socket: "sandbox.pin",
    body: z.strictObject({ pinned: z.boolean().optional().meta({ description: "Absent: true" }) }),
    answer: RequestAnswer,
  },
  plan: {
    method: "get",
    path: "/v1/plan",
    summary: "What the controller does next, and why",
    scope: "operator.read",
    socket: "plan.get",
    answer: Foreign,
  },
  listEvents: {
    method: "get",
    path: "/v1/events",
    summary: "What happened to sandboxes and the config",
    scope: "operator.read",
    socket: "events.list",
    query: z.object({ tail: z.int().min(1).max(EVENTS_MAX).optional().meta({ description: "Newest events; absent: all that are kept" }) }),
    answer: z.object({ items: z.array(Foreign) }),
    events: "event, with an id; Last-Event-ID goes on after it",
  },
} as const satisfies Record<string, Operation>;
