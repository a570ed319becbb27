// A command as a person or a model writes it, and as it is run: by a shell that has read the system's profile, with the folders of `docker.env.PATH`
// first. Pure. Where it runs, and for how long, is exec.ts.

/** What a login shell reads of the system, and nothing of HOME. On one line, as all that comes before a command, so that the shell's line numbers are right. */
const READ_PROFILE = "[ ! -r /etc/profile ] || . /etc/profile; ";
/** A profile sets PATH anew: `docker.env.PATH` comes before that. */
const PREPEND_PATH = "PATH=$OPENCLAW_PREPEND_PATH:$PATH; export PATH; unset OPENCLAW_PREPEND_PATH; ";
const SHELL = "/bin/sh";
const OPTIONS = { plain: "-c", login: "-lc" } as const;

export interface ShellCommand {
  argv: string[];
  env: Readonly<Record<string, string>>;
}

export interface ShellSettings {
  /** Of `docker.env.PATH`; undefined: the profile's alone. */
  path: string | undefined;
  /** Whether `~/.profile` is read too. */
  loginProfile: boolean;
}

export function toShellCommand(command: string, env: ShellCommand["env"], { path, loginProfile }: ShellSettings): ShellCommand {
  const [option, profile] = loginProfile ? [OPTIONS.login, ""] : [OPTIONS.plain, READ_PROFILE];
  if (path === undefined) return { argv: [SHELL, option, `${profile}${command}`], env };
  return { argv: [SHELL, option, `${profile}${PREPEND_PATH}${command}`], env: { ...env, OPENCLAW_PREPEND_PATH: path } };
}

/** As it was written; whatever else it is, its words. */
export function renderCommand(argv: readonly string[]): string {
  const [shell, option, text] = argv;
  if (argv.length !== 3 || shell !== SHELL || text === undefined) return argv.join(" ");
  if (option === OPTIONS.login) return without(PREPEND_PATH, text);
  return option === OPTIONS.plain && text.startsWith(READ_PROFILE) ? without(PREPEND_PATH, without(READ_PROFILE, text)) : argv.join(" ");
}

const without = (begin: string, text: string): string => (text.startsWith(begin) ? text.slice(begin.length) : text);
