// Operations on the config as a person sees and edits it: a part of the table in operations.ts. None of them saves anything: only somebody with a shell
// on the host changes the config. What is told of it is the controller's decision.
import { z } from "zod";
import type { Operation } from "./operation.ts";

const TEXT_LENGTH_MAX = 1_048_576;

const Issue = z.object({
  severity: z.enum(["error", "warning"]),
  file: z.string(),
  line: z.int().optional(),
  column: z.int().optional(),
  path: z.string(),
  message: z.string(),
  fix: z.string().optional(),
});

export const CONFIG_OPERATIONS = {
  getConfigText: {
    method: "get",
    path: "/v1/config/text",
    summary:
      'The config\'s main file as text; secrets are `"(set)"`, comments are placeholders. `text` is null while the file is not in force',
    scope: "operator.read",
    socket: "config.text",
    answer: z.object({
      file: z.string(),
      text: z.string().nullable(),
      revision: z.string().meta({ description: "Of `text`; an edit names it" }),
      included: z.array(z.string()).meta({ description: "Other files that are in force" }),
      problem: z.string(),
      loadedAt: z.int().nullable().meta({ description: "Milliseconds since 1970" }),
    }),
  },
  getConfigSchema: {
    method: "get",
    path: "/v1/config/schema",
    summary: "The config's JSON Schema, for editors",
    scope: "operator.read",
    socket: "config.schema",
    answer: z.record(z.string(), z.unknown()),
  },
  tryConfigEdit: {
    method: "post",
    path: "/v1/config/edit",
    summary:
      "What is wrong with an edit of that text and, with `plan`, what it would do to each sandbox. Nothing is saved. Hidden values, variables and `$include` must stay where they are, and there is no plan for paths of the host that the config in force doesn't name",
    scope: "operator.read",
    socket: "config.edit",
    body: z.strictObject({
      revision: z.string().max(64),
      text: z.string().max(TEXT_LENGTH_MAX),
      plan: z.boolean().optional().meta({ description: "Absent: false" }),
    }),
    answer: z.object({
      issues: z.array(Issue),
      plan: z
        .array(z.record(z.string(), z.unknown()))
        .nullable()
        .meta({ description: "Sandboxes with which something else happens than without the edit" }),
      others: z.int().meta({ description: "How many others there are" }),
      unplanned: z.string().meta({ description: "Why there is no plan" }),
    }),
  },
} as const satisfies Record<string, Operation>;
