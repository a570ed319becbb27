// The shell script around docker.setupCommand: it gives the command a login shell's environment from the image and nothing from the workspace, and reports
// when the command has come to its end. Constant text for any POSIX shell; what it means that the end was said is setup-runner.ts's.

/**
 * `$1` the command; on stdin one line, the marker, which is printed once the command ended with exit code 0. It is read only then, and the command
 * and what it starts have another stdin, so that nothing but this shell knows it.
 *
 * `/etc/profile` is read as a login shell reads it, but not the files of HOME, which are the workspace's, and so may be an agent's. If it exits or fails, the
 * command is run all the same, by the trap. Shells that are started later read no file of the workspace either.
 */
export const SETUP = `openclaw_setup=$1
set --
openclaw_end() {
  trap - EXIT
  (eval "$openclaw_setup") 9<&-
  openclaw_code=$?
  [ "$openclaw_code" = 0 ] && IFS= read -r openclaw_marker <&9 && printf '%s\\n' "$openclaw_marker"
  exit "$openclaw_code"
}
openclaw_is_own() {
  # Of the image or the system: absolute, without a variable or a way back, and neither in the workdir nor in HOME.
  case $1 in *..* | *\\$* | *\\\`*) return 1 ;; "\${PWD%/}/"* | "\${HOME:-$PWD}/"*) return 1 ;; /*) return 0 ;; *) return 1 ;; esac
}
openclaw_is_own "\${ENV-}" || unset ENV
openclaw_is_own "\${BASH_ENV-}" || unset BASH_ENV
exec 9<&0 </dev/null
trap openclaw_end EXIT
[ ! -r /etc/profile ] || . /etc/profile
openclaw_end`;

/** `$0` is what a shell names in its messages. */
export const toSetupArgv = (command: string): string[] => ["/bin/sh", "-c", SETUP, "/bin/sh", command];
