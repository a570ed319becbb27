// Operations on terminals in sessions' sandboxes: a part of the table in operations.ts. A terminal is its caller's, and lives as long as the call that
// opened it. What it is, is gateway/tools/terminal.ts.
import { z } from "zod";
import type { Operation } from "./operation.ts";

/** As many as the controller takes. */
const CELLS_MAX = 1_000;
/** 64 KiB as base64: what is pasted comes in pieces. */
const TYPED_LENGTH_MAX = 87_384;
/** No more was sent without a word about it. */
const WINDOW_BYTES = 262_144;

const Size = { columns: z.int().min(1).max(CELLS_MAX), rows: z.int().min(1).max(CELLS_MAX) };
const TerminalAnswer = z.object({ terminal: z.string() });

export const TERMINAL_OPERATIONS = {
  openTerminal: {
    method: "post",
    path: "/v1/sessions/{key}/terminals",
    summary:
      "Opens a terminal in the session's sandbox, where its policy allows `exec`, and answers when that has ended. It ends with its caller's connection or rights. It prints 256 KiB at most that were not said to be read",
    scope: "operator.write",
    socket: "terminal.open",
    body: z.strictObject(Size),
    answer: z.object({
      code: z.int().nullable().meta({ description: "Of its shell. null: it was closed" }),
      reason: z.enum(["exited", "closed"]),
    }),
    events: "progress, started with `terminal`, stdout in base64; exit with the answer, or error with a problem, ends it",
  },
  typeIntoTerminal: {
    method: "post",
    path: "/v1/terminals/{terminal}/input",
    summary: "Types into a terminal; answered when there is room for more",
    scope: "operator.write",
    socket: "terminal.type",
    body: z.strictObject({ data: z.base64().max(TYPED_LENGTH_MAX).meta({ description: "Base64; 64 KiB at most" }) }),
    answer: TerminalAnswer,
  },
  readTerminal: {
    method: "post",
    path: "/v1/terminals/{terminal}/read",
    summary: "Says how many more bytes of what it printed were read",
    scope: "operator.write",
    socket: "terminal.read",
    body: z.strictObject({ bytes: z.int().min(1).max(WINDOW_BYTES) }),
    answer: TerminalAnswer,
  },
  resizeTerminal: {
    method: "post",
    path: "/v1/terminals/{terminal}/size",
    summary: "Changes a terminal's size",
    scope: "operator.write",
    socket: "terminal.resize",
    body: z.strictObject(Size),
    answer: TerminalAnswer,
  },
  closeTerminal: {
    method: "delete",
    path: "/v1/terminals/{terminal}",
    summary: "Ends a terminal and all that it started",
    scope: "operator.write",
    socket: "terminal.close",
    answer: TerminalAnswer,
  },
} as const satisfies Record<string, Operation>;
