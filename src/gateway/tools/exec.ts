// The tool `exec`: one shell command, in the foreground or left running in the background.
// Background commands are process.ts; where commands run is up to the port.
import { posix } from "node:path";
import { z } from "zod";
import { OperationError } from "../../api/errors.ts";
import { TextPieces } from "../../api/text/text-pieces.ts";
import type { SandboxCommand } from "../sandbox/sandbox-port.ts";
import { startInBackground } from "./background.ts";
import { OutputTail, withRemark } from "./output-tail.ts";
import { toShellCommand } from "./shell-command.ts";
import { defineTool, FilePath, type ToolScope } from "./tool.ts";
import type { ToolResult } from "./tool-port.ts";

const TERMINAL = { columns: 120, rows: 40 };
/** What a model reads of one command: some 60 000 tokens at most. */
const OUTPUT_BYTES_MAX = { headBytesMax: 65_536, tailBytesMax: 131_072 };
const DAY_S = 86_400;
/** A kernel takes 128 KiB in one argument; the rest is for what is put around it. */
const COMMAND_BYTES_MAX = 130_000;
const RUNS_ON =
  "something that it started is still running; what that prints from here on is lost, unless it goes to a file, or the command runs with background";
/** NUL would end it early. */
const Argument = z.string().refine((text) => !text.includes("\0"), { error: "expected no NUL" });

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** A list, as not every provider lets models write an object of any names; one is accepted all the same. */
const Environment = z.union(
  [
    z.array(Argument.refine((text) => text.includes("=") && VARIABLE.test(text.split("=", 1)[0] ?? ""), { error: "expected NAME=value" })),
    z.record(z.string().regex(VARIABLE), Argument.nullable()),
  ],
  { error: "expected a list of NAME=value, or an object of names and texts" },
);

const Input = z.strictObject({
  command: Argument.min(1)
    .max(COMMAND_BYTES_MAX)
    .refine((command) => Buffer.byteLength(command) <= COMMAND_BYTES_MAX, { error: `expected at most ${COMMAND_BYTES_MAX} bytes` })
    .describe("Shell command, run by sh, after /etc/profile"),
  workdir: FilePath.optional().describe("Folder to begin in; relative to the workspace. Absent: the workspace"),
  env: Environment.optional().describe("Further environment variables, each as NAME=value"),
  timeout: z
    .number()
    .positive()
    .max(DAY_S)
    .optional()
    .describe("Seconds after which it and all that it started is killed. Absent: as configured, half an hour; with background no limit"),
  background: z.boolean().optional().describe("Let it go on by itself and answer at once; see the tool process"),
  yieldMs: z
    .int()
    .min(0)
    .max(DAY_S * 1_000)
    .optional()
    .describe("Answer after so many milliseconds at the latest; it then goes on in the background"),
  pty: z.boolean().optional().describe("Give it a terminal; stdout and stderr are one then"),
});

export const execTool = defineTool({
  name: "exec",
  description:
    "Run a shell command in the session's workspace and return its output and exit code. Long commands can go on in the background, where the tool process finds them.",
  input: Input,
  isInside: true,
  run: async (scope, input) => {
    const yieldMs = input.background === true ? 0 : (input.yieldMs ?? scope.exec.backgroundMs);
    if (input.pty !== true && yieldMs !== null) {
      const { timeoutMs, ...command } = toCommand(scope, input);
      const isEndless = input.background === true && input.timeout === undefined;
      return await startInBackground(scope, isEndless ? command : { ...command, timeoutMs }, yieldMs);
    }
    if (input.pty === true && (input.background === true || input.yieldMs !== undefined))
      throw new OperationError("InvalidArgument", "exec: a command with a terminal (pty) can't go on in the background");
    return await runToEnd(scope, { ...toCommand(scope, input), ...(input.pty === true && { tty: TERMINAL }) });
  },
});

function toCommand({ sandbox, workdir, exec }: ToolScope, input: z.output<typeof Input>): SandboxCommand & { timeoutMs: number } {
  const shell = { path: sandbox?.docker.env.PATH, loginProfile: exec.loginProfile };
  const { argv, env } = toShellCommand(input.command, toVariables(input.env ?? []), shell);
  return {
    tool: "exec",
    argv,
    timeoutMs: Math.ceil(input.timeout === undefined ? exec.timeoutMs : input.timeout * 1_000),
    ...(Object.keys(env).length > 0 && { env }),
    ...(input.workdir !== undefined && { workdir: posix.resolve(workdir, input.workdir) }),
  };
}

function toVariables(env: z.output<typeof Environment>): Record<string, string> {
  // null is the absence of a variable, as it is of any other argument.
  if (!Array.isArray(env)) return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== null));
  return Object.fromEntries(env.map((text) => [text.slice(0, text.indexOf("=")), text.slice(text.indexOf("=") + 1)]));
}

async function runToEnd(scope: ToolScope, command: SandboxCommand & { timeoutMs: number }): Promise<ToolResult> {
  const tail = new OutputTail(OUTPUT_BYTES_MAX);
  const bytes = { stdout: 0, stderr: 0 };
  // Of both together a character of one stream must not be broken by what the other says meanwhile.
  const pieces = { stdout: new TextPieces(), stderr: new TextPieces() };
  const running = scope.port.exec(scope.session.spec.key, command, scope.signal);
  for await (const { stream, chunk } of running.output) {
    tail.push(pieces[stream].take(chunk));
    bytes[stream] += chunk.length;
    await scope.emit({ kind: stream, chunk });
  }
  for (const rest of [pieces.stdout.end(), pieces.stderr.end()]) tail.push(rest);
  const { code, reason, outputHeld } = await running.ended;
  const isError = reason === "timeout" || code !== 0;
  const output = tail.toText();
  const remarks = [
    ...(reason === "timeout" ? [`killed after ${command.timeoutMs / 1_000} s`] : isError ? [`exit code ${code}`] : []),
    ...(outputHeld ? [RUNS_ON] : []),
  ];
  const text = remarks.length > 0 ? withRemark(output, remarks.join("; ")) : output || "(no output)";
  const details = { code, reason, stdoutBytes: bytes.stdout, stderrBytes: bytes.stderr, droppedBytes: tail.droppedBytes };
  return { content: [{ type: "text", text }], details: { ...details, ...(outputHeld && { outputHeld }) }, isError };
}
