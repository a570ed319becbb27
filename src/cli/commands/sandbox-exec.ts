// `openclaw sandbox exec`: a command in a sandbox with this terminal's streams and signals, or detached.
// Detached ones are looked at by sandbox-processes.ts.
import { CommandConnection } from "../../api/command-client.ts";
import { OperationError } from "../../api/errors.ts";
import { toSandboxPath } from "../../api/view-client.ts";
import type { CommandRequest } from "../../api/wire.ts";
import { AdminClient } from "../admin-client.ts";
import { toCommandOutput } from "../command-output.ts";
import { type CliContext, EXIT, type ExitCode, print, printJson, printNote } from "../context.ts";
import { type StateOptions, toStateDir } from "../paths.ts";
import { findSandboxNamed } from "../sandbox-name.ts";

export interface ExecOptions extends StateOptions {
  interactive?: boolean;
  tty?: boolean;
  detach?: boolean;
  /** Milliseconds. */
  timeout?: number;
  workdir?: string;
  env?: string[];
  json?: boolean;
}

export async function execInSandbox(
  context: CliContext,
  { name, words }: { name: string; words: readonly string[] },
  options: ExecOptions,
): Promise<ExitCode> {
  // Everything after the name is the command's; the first -- only says so.
  const argv = words[0] === "--" ? words.slice(1) : words;
  if (words[0] !== "--" && argv[0]?.startsWith("-") === true)
    throw new OperationError("InvalidArgument", `options go before the name, and ${JSON.stringify(argv[0])} comes after it`, {
      fix: "openclaw sandbox exec OPTIONS NAME -- COMMAND",
    });
  if (argv.length === 0) throw new OperationError("InvalidArgument", "no command given", { fix: "openclaw sandbox exec NAME -- COMMAND" });
  if (options.tty === true && (context.stdin.isTTY !== true || context.stdout.isTTY !== true)) {
    throw new OperationError("InvalidArgument", "-t needs a terminal, and this is not one", { fix: "leave -t out" });
  }
  const client = new AdminClient(toStateDir(context, options));
  const request = toRequest(context, argv, options);
  const target: Target = { client, name: (await findSandboxNamed(client, name)).metadata.name };
  return options.detach === true ? startDetached(context, target, request, options) : runAttached(context, target, request);
}

interface Target {
  client: AdminClient;
  name: string;
}

async function startDetached(
  context: CliContext,
  { client, name }: Target,
  request: CommandRequest,
  options: ExecOptions,
): Promise<ExitCode> {
  if (request.tty !== undefined || request.stdin)
    throw new OperationError("InvalidArgument", "-d can't be combined with -i or -t", {
      fix: "send it input with: openclaw sandbox ps write",
    });
  const { argv, env, workdir, timeoutMs } = request;
  const started = await client.processesOf(name).start({ argv, env, workdir, timeoutMs });
  if (options.json === true) printJson(context, started);
  else print(context, started.id);
  return EXIT.ok;
}

async function runAttached(context: CliContext, { client, name }: Target, request: CommandRequest): Promise<ExitCode> {
  const { stdin, stdout, stderr } = context;
  const streams = { stdin, output: toCommandOutput({ stdout, stderr }) };
  const command = new CommandConnection(client, `${toSandboxPath(name)}/exec`, request, streams);
  const stops = request.tty === undefined ? forwardSignals(context, command) : attachTerminal(context, command);
  try {
    const { code, reason } = await command.ended;
    if (reason === "exited") return code;
    printNote(context, "openclaw: the command timed out and was killed");
    return EXIT.timedOut;
  } finally {
    for (const stop of stops) stop();
  }
}

/** The first Ctrl-C interrupts the command, the second kills it, the third gives up on the controller. */
function forwardSignals(context: CliContext, command: CommandConnection): (() => void)[] {
  let interrupts = 0;
  return [
    context.onSignal("SIGINT", () => {
      interrupts += 1;
      if (interrupts > 2) return command.close();
      if (interrupts === 1) printNote(context, "openclaw: interrupting the command; Ctrl-C again kills it");
      command.signal(interrupts === 1 ? "INT" : "KILL");
    }),
    context.onSignal("SIGTERM", () => command.signal("TERM")),
    context.onSignal("SIGHUP", () => command.close()),
  ];
}

/** Keys go to the command as they are, Ctrl-C too. */
function attachTerminal(context: CliContext, command: CommandConnection): (() => void)[] {
  const { stdin, stdout } = context;
  const resize = (): void => command.resize(stdout.columns ?? 80, stdout.rows ?? 24);
  stdin.setRawMode?.(true);
  stdout.on("resize", resize);
  return [
    () => void stdin.setRawMode?.(false),
    () => void stdout.off("resize", resize),
    context.onSignal("SIGTERM", () => command.close()),
    context.onSignal("SIGHUP", () => command.close()),
  ];
}

function toRequest(context: CliContext, argv: readonly string[], options: ExecOptions): CommandRequest {
  const { stdout } = context;
  const env = { ...(options.tty === true ? { TERM: context.env.TERM ?? "xterm" } : {}), ...toEnv(context, options.env ?? []) };
  if (options.workdir !== undefined && !options.workdir.startsWith("/")) {
    throw new OperationError("InvalidArgument", `--workdir: expected an absolute path in the sandbox, not "${options.workdir}"`);
  }
  return {
    argv: [...argv],
    stdin: options.interactive === true || options.tty === true,
    ...(Object.keys(env).length > 0 && { env }),
    ...(options.workdir !== undefined && { workdir: options.workdir }),
    ...(options.tty === true && { tty: { columns: stdout.columns ?? 80, rows: stdout.rows ?? 24 } }),
    ...(options.timeout !== undefined && { timeoutMs: options.timeout }),
  };
}

/** `NAME=value`, or `NAME` for this shell's own value. */
function toEnv(context: CliContext, pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf("=");
      const key = at < 0 ? pair : pair.slice(0, at);
      if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) throw new OperationError("InvalidArgument", "--env: expected NAME=value or NAME");
      const value = at < 0 ? context.env[key] : pair.slice(at + 1);
      if (value === undefined) throw new OperationError("InvalidArgument", `--env: ${key} is not set in this shell`);
      return [key, value];
    }),
  );
}
