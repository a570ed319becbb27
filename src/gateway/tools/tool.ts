// What a tool is: a name, a schema from which every server's documentation comes, and what it does in a session's world.
// Which calls reach it, and with which events around it, is dispatch.ts.
import { z } from "zod";
import { withoutNulls } from "../../api/absent.ts";
import type { EffectiveSandbox } from "../../api/config/effective.ts";
import { OperationError } from "../../api/errors.ts";
import { toPlainText } from "../../api/plain-issue.ts";
import type { Session } from "../../api/session.ts";
import type { Browsers } from "../browser/browsers.ts";
import type { SandboxPort } from "../sandbox/sandbox-port.ts";
import { type PublishedSchema, toPublishedSchema } from "./published-schema.ts";
import type { SessionPort, Speaker, ToolCall, ToolResult } from "./tool-port.ts";

export interface ExecDefaults {
  timeoutMs: number;
  /** After how long a command goes on in the background. null: never. */
  backgroundMs: number | null;
  /** Whether the shell is a login shell, which reads `~/.profile` too. */
  loginProfile: boolean;
}

/** What a running tool may use. */
export interface ToolScope {
  session: Session;
  /** Where the session's commands run. */
  port: SandboxPort;
  /** null: the session is not sandboxed. */
  sandbox: EffectiveSandbox | null;
  /** Absolute, inside: what paths are relative to. */
  workdir: string;
  sessions: SessionPort;
  speaker: Speaker;
  browsers: Browsers;
  exec: ExecDefaults;
  signal: AbortSignal;
  emit: ToolCall["emit"];
  /** 8 to 32 of `[a-z0-9]`, never the same again. */
  newId(): string;
}

export interface Tool {
  readonly name: string;
  readonly description: string;
  /** Of an object, in the words that every provider of models takes. */
  readonly inputSchema: PublishedSchema;
  /** Whether it works in the session's sandbox, which then must be ready first. */
  readonly isInside: boolean;
  /** Whether it holds whole files in memory: then one runs at a time for each session. */
  readonly holdsFiles: boolean;
  /** What runs with the input once it was checked. @throws OperationError `InvalidArgument` with every issue */
  prepare(input: unknown): (scope: ToolScope) => Promise<ToolResult>;
}

export interface ToolDefinition<Schema extends z.ZodObject> {
  name: string;
  description: string;
  input: Schema;
  isInside: boolean;
  /** Absent: false. */
  holdsFiles?: boolean;
  run(scope: ToolScope, input: z.output<Schema>): Promise<ToolResult>;
}

export function defineTool<Schema extends z.ZodObject>(definition: ToolDefinition<Schema>): Tool {
  const { name, description, input, isInside, holdsFiles = false, run } = definition;
  return {
    name,
    description,
    inputSchema: toPublishedSchema(input),
    isInside,
    holdsFiles,
    prepare: (value) => {
      const parsed = input.safeParse(withoutNulls(input, value ?? {}), { error: toPlainText });
      if (!parsed.success) throw new OperationError("InvalidArgument", `${name}: ${renderIssues(parsed.error)}`);
      return (scope) => run(scope, parsed.data);
    },
  };
}

const ISSUES_SHOWN_MAX = 5;

function renderIssues({ issues }: z.ZodError): string {
  const shown = issues.slice(0, ISSUES_SHOWN_MAX).map(({ path, message }) => `${path.length === 0 ? "input" : path.join(".")}: ${message}`);
  return [...shown, ...(issues.length > ISSUES_SHOWN_MAX ? [`and ${issues.length - ISSUES_SHOWN_MAX} more`] : [])].join("; ");
}

export function toTextResult(text: string, details: ToolResult["details"] = {}): ToolResult {
  return { content: [{ type: "text", text }], details, isError: false };
}

/** A path as a tool takes it. Where it leads is decided inside the sandbox. */
export const FilePath = z
  .string()
  .min(1)
  .max(4_096)
  .refine((path) => !path.includes("\0") && path.isWellFormed(), { error: "a path cannot hold NUL, nor half a character" });

/** At most 64 MiB of text in one call. */
export const FileText = z.string().max(67_108_864);
