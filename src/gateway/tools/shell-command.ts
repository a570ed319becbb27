// A command as a person or a model writes it, and as it is run: by a login shell, with the folders of `docker.env.PATH` first. Pure.
// Where it runs, and for how long, is exec.ts.

/** A login shell's profile sets PATH anew: `docker.env.PATH` comes before that. On one line, so that the shell's line numbers are right. */
const PREPEND_PATH = "PATH=$OPENCLAW_PREPEND_PATH:$PATH; export PATH; unset OPENCLAW_PREPEND_PATH; ";
const SHELL = ["/bin/sh", "-lc"] as const;

export interface ShellCommand {
  argv: string[];
  env: Readonly<Record<string, string>>;
}

/** @param path of `docker.env.PATH`; undefined: the profile's alone */
export function toShellCommand(command: string, env: ShellCommand["env"], path: string | undefined): ShellCommand {
  if (path === undefined) return { argv: [...SHELL, command], env };
  return { argv: [...SHELL, `${PREPEND_PATH}${command}`], env: { ...env, OPENCLAW_PREPEND_PATH: path } };
}

/** As it was written; whatever else it is, its words. */
export function renderCommand(argv: readonly string[]): string {
  const [shell, option, command] = argv;
  if (argv.length !== 3 || shell !== SHELL[0] || option !== SHELL[1] || command === undefined) return argv.join(" ");
  return command.startsWith(PREPEND_PATH) ? command.slice(PREPEND_PATH.length) : command;
}
