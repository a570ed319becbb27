// The shell scripts that run inside sandboxes around a command: they report its process group and reach it. Constant text; user input
// reaches them as an argument, never as part of the script. They use nothing but a POSIX shell and /proc. KILL_ALL is api/kill-script.ts.
import { ENDED_PREFIX, MARK_VARIABLE } from "../../api/kill-script.ts";

/**
 * Stays above a command as the init of all that descends from it, so that nothing leaves the command's tree by losing its parent: what is to be
 * ended with it is found there, whatever its environment and session. It is the engine's own init, in every container of ours that has one.
 */
export const REAPER = ["/sbin/docker-init", "-s", "--"];

/** What the first line says of a workdir in which a command can't begin. */
export const WORKDIR_PROBLEMS = {
  missing: "is not there",
  file: "is no folder",
  closed: "can't be entered by the sandbox's user",
  /** As runc says it: no wrapper begins there. */
  removed: "was removed on the host while the container had it mounted",
} as const;

/** Where `WRAPPER` finds what it is to run: among its arguments, or later in its input. */
export const WRAPPER_MODE = { arguments: "arguments", input: "input" } as const;
/** Exit code of one that waits, and whose input ends before a whole request: nothing began. */
export const NEVER_ASKED = 125;

/**
 * `$1` is the mode `arguments`, then `$2` workdir or empty, `$3` and `$4` columns and rows of its terminal or empty, the rest is the command; or it is `input`, and they
 * are read as `toRequestText` writes them. The first line of output is the pid of the shell's parent (0: it is outside) and its own, which the command
 * inherits. Either is the process group's too: the engine makes an exec'd process the leader of a session, and a reaper makes its child the leader of a
 * group. Where the command can't begin in its workdir, the line is `-` and why. A command that was given up before it began does not begin.
 *
 * `read` takes a byte at a time, so that what follows the request is the command's input. What is read is never run: text is data in every line. The shell's
 * own variables have names that no environment has: one of the same name would reach the command with another value.
 */
export const WRAPPER = `openclaw_workdir=$2; openclaw_columns=$3; openclaw_rows=$4; openclaw_stdin=open
if [ "$1" = ${WRAPPER_MODE.input} ]; then
  shift "$#"; openclaw_kind=; openclaw_text=
  openclaw_newline='
'
  while IFS= read -r openclaw_line || exit ${NEVER_ASKED}; do
    case $openclaw_line in =*) openclaw_text=$openclaw_text$openclaw_newline\${openclaw_line#=}; continue ;; esac
    case $openclaw_kind in
    a) set -- "$@" "$openclaw_text" ;;
    e) export "$openclaw_text" ;;
    w) openclaw_workdir=$openclaw_text ;;
    n) openclaw_stdin= ;;
    esac
    openclaw_text=\${openclaw_line#?}
    openclaw_kind=\${openclaw_line%"$openclaw_text"}
    [ "$openclaw_kind" != . ] || break
  done
else shift 4; fi
[ ! -e "${ENDED_PREFIX}$${MARK_VARIABLE}" ] || exit 126
if [ -n "$openclaw_workdir" ] && ! cd -- "$openclaw_workdir" 2>/dev/null; then
  if [ -d "$openclaw_workdir" ]; then echo "- closed"; elif [ -e "$openclaw_workdir" ]; then echo "- file"; else echo "- missing"; fi
  exit 126
fi
echo "$PPID $$"
[ -z "$openclaw_columns" ] || PATH=/usr/local/bin:/usr/bin:/bin:$PATH stty columns "$openclaw_columns" rows "$openclaw_rows" 2>/dev/null
[ -n "$openclaw_stdin" ] || exec </dev/null
exec "$@"`;

export interface RequestText {
  /** Absent: where it is. */
  workdir?: string;
  env: readonly (readonly [name: string, value: string])[];
  argv: readonly string[];
  /** Whether what follows is the command's input. */
  stdin: boolean;
}

/** Lines with a letter for what they are; one that begins with `=` goes on with the last. Without NUL, which no argument can have. */
export function toRequestText({ workdir, env, argv, stdin }: RequestText): string {
  const line = (kind: string, text: string): string => `${kind}${text.replaceAll("\n", "\n=")}\n`;
  return [
    ...(stdin ? [] : [line("n", "")]),
    ...(workdir === undefined ? [] : [line("w", workdir)]),
    ...env.map(([name, value]) => line("e", `${name}=${value}`)),
    ...argv.map((argument) => line("a", argument)),
    ".\n",
  ].join("");
}

/** `$1` signal, `$2` process group. */
export const SIGNAL = `kill -s "$1" -- "-$2"`;

const FIND_STAT = `stat=
for program in /usr/bin/stat /bin/stat; do if [ -x "$program" ]; then stat=$program; break; fi; done
identify() {
  if [ -n "$stat" ] && identity=$("$stat" -L -c %d:%i -- "$1" 2>/dev/null); then echo "$identity"
  elif [ -e "$1" ]; then echo '?'
  else echo -; fi
}`;

/** The arguments are absolute paths. A line for each: device and inode; `?` where something is there that no program names; `-` where nothing is. */
export const IDENTIFY = `${FIND_STAT}
for path; do identify "$path"; done`;

/**
 * The same of the container whose process namespace this is. An absolute symlink of its image would lead back to the root of this one: the
 * same image has the same, so they are followed here first, as far as anything is there.
 */
export const IDENTIFY_BESIDE = `export PATH=/usr/sbin:/usr/bin:/sbin:/bin
${FIND_STAT}
place() {
  path=$1; rest=
  while [ ! -e "$path" ] && [ ! -h "$path" ] && [ "$path" != / ]; do
    rest=/\${path##*/}$rest
    path=\${path%/*}
    [ -n "$path" ] || path=/
  done
  path=$(readlink -f -- "$path" || echo "$path")
  [ "$path" != / ] || path=
  path=$path$rest
}
[ -e /proc/1/root/proc ] || exit 1
for target; do place "$target"; identify "/proc/1/root$path"; done`;

/** Exit codes of DIAL before it says that it is connected. */
export const DIAL_REFUSED = 7;
export const DIAL_NO_RELAY = 8;
export const DIAL_CONNECTED = "+\n";

const PYTHON_RELAY = `import os, socket, sys, threading
peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
def up():
    while True:
        data = os.read(0, 65536)
        if not data: break
        peer.sendall(data)
    peer.shutdown(socket.SHUT_WR)
threading.Thread(target=up, daemon=True).start()
while True:
    data = peer.recv(65536)
    if not data: break
    while data: data = data[os.write(1, data):]`;

/**
 * `$1` port, `$2` the same as four upper-case hex digits, `$3` a relay in Python. Looks whether anything listens, says so with a line,
 * then becomes a relay between that port and its own input and output. Nothing of the folder in which it begins, which is the workspace, and nothing of HOME is
 * read or run: Python would import modules from both.
 */
export const DIAL = `
PATH=/usr/local/bin:/usr/bin:/bin\${PATH:+:$PATH}; export PATH
unset ENV BASH_ENV
cd / || exit ${DIAL_NO_RELAY}
listening=
for table in /proc/net/tcp /proc/net/tcp6; do
  [ -r "$table" ] || continue
  while read -r _ local _ state _; do
    case "$local $state" in *":$2 0A") listening=1 ;; esac
  done <"$table"
done
[ -n "$listening" ] || exit ${DIAL_REFUSED}
if command -v socat >/dev/null 2>&1; then echo +; exec socat -t 86400 STDIO "TCP:127.0.0.1:$1"
elif command -v python3 >/dev/null 2>&1; then echo +; exec python3 -I -c "$3" "$1"
elif command -v bash >/dev/null 2>&1; then echo +; exec bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1; cat <&3 & cat >&3; wait' dial "$1"
elif command -v nc >/dev/null 2>&1; then echo +; exec nc 127.0.0.1 "$1"
fi
exit ${DIAL_NO_RELAY}`;

export { PYTHON_RELAY };
