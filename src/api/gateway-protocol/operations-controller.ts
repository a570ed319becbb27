// Operations that show the controller as a whole: a part of the table in operations.ts. Read only; what is in the answers is the controller's.
import { z } from "zod";
import type { Operation } from "./operation.ts";

/** Objects that the controller answers with; their form is its own interface. */
const Foreign = z.record(z.string(), z.unknown());
const Counts = z.array(z.int());
const Time = z.int().meta({ description: "Milliseconds since 1970" });

export const CONTROLLER_OPERATIONS = {
  getController: {
    method: "get",
    path: "/v1/controller",
    summary: "The controller: whether it is ready, check by check, its engine, and whether the config file is in force",
    scope: "operator.read",
    socket: "controller.status",
    answer: Foreign,
  },
  getHistory: {
    method: "get",
    path: "/v1/history",
    summary:
      "A few figures of the last hours, as columns: sandboxes by state, drift, how long changes took, prunes, leaks; the last sample is of now",
    scope: "operator.read",
    socket: "controller.history",
    answer: z.object({
      everyMs: z.int(),
      at: z.array(Time),
      ready: Counts,
      notReady: Counts,
      unknown: Counts,
      drifted: Counts.meta({ description: "Sandboxes that differ from the config" }),
      convergenceSeconds: z
        .array(z.number().nullable())
        .meta({ description: "The longest since the sample before. null: no change was made" }),
      prunes: Counts.meta({ description: "Since the sample before" }),
      leaks: Counts.meta({ description: "Objects that nothing owns" }),
    }),
  },
  getDoctor: {
    method: "get",
    path: "/v1/doctor",
    summary:
      "What the doctor finds on the controller's machine, each with what to do, and what nothing owns. It looks once a minute at most",
    scope: "operator.read",
    socket: "doctor.report",
    answer: z.object({ at: Time, findings: z.array(Foreign), unowned: z.array(Foreign) }),
  },
  getRollouts: {
    method: "get",
    path: "/v1/rollouts",
    summary: "Changes that not every sandbox has yet, oldest first: how far each is, what it waits for, and why it is halted",
    scope: "operator.read",
    socket: "rollout.status",
    answer: z.object({
      pausedSince: Time.nullable().meta({ description: "Since when a person holds all replacements back" }),
      changes: z.array(Foreign),
      upToDate: z.int().meta({ description: "How many sandboxes have no change pending" }),
    }),
  },
} as const satisfies Record<string, Operation>;
