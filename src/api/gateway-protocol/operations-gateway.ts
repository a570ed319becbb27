// Operations on the gateway itself: a part of the table in operations.ts.
// How it is asked without a secret (`/healthz`, `/readyz`) is gateway/http/app.ts's.
import { z } from "zod";
import type { Operation } from "./operation.ts";

const LINES_MAX = 1_000;

export const GATEWAY_OPERATIONS = {
  getHealth: {
    method: "get",
    path: "/v1/health",
    summary: "Whether the gateway can do its job, check by check",
    scope: "operator.read",
    socket: "health",
    answer: z.object({
      ready: z.boolean(),
      checks: z.array(z.object({ name: z.string(), ok: z.boolean(), message: z.string() })),
    }),
  },
  getConfig: {
    method: "get",
    path: "/v1/config",
    summary: "The part of the config in force that the gateway works by; secrets are `(set)`. Nothing over the gateway changes the config",
    scope: "operator.read",
    socket: "config.get",
    answer: z.object({ file: z.string(), config: z.record(z.string(), z.unknown()) }),
  },
  tailLog: {
    method: "get",
    path: "/v1/logs",
    summary: "Lines of the gateway's log, JSON each, after a cursor: at most as many as are kept (2 000, 1 MiB)",
    scope: "operator.admin",
    socket: "logs.tail",
    query: z.object({
      cursor: z.int().min(0).max(Number.MAX_SAFE_INTEGER).optional().meta({ description: "Absent: the newest lines" }),
      limit: z.int().min(1).max(LINES_MAX).optional(),
    }),
    answer: z.object({
      lines: z.array(z.string()),
      cursor: z.int().meta({ description: "Where to go on" }),
      reset: z.boolean().meta({ description: "Whether lines between the cursor and the first of these are lost" }),
    }),
  },
} as const satisfies Record<string, Operation>;
