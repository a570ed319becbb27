// The shell script that ends commands and everything they started, in a sandbox or on the gateway's host. Constant text for any POSIX shell, with
// /proc; its input arrives as arguments.

/** Names the exec in every process that descends from it. */
export const MARK_VARIABLE = "OPENCLAW_EXEC_ID";

/** Of one command to be ended. */
export interface KillTarget {
  /** Of `[A-Za-z0-9]`; every mark that begins so is meant. */
  mark: string;
  /** The process that leads its session. null: not known, or gone. `late`: not known, and it may be yet to begin, which it must not. */
  leader: string | null;
}

/** As a leader: the command may be yet to begin. */
export const LATE = "late";

/** Followed by a mark: a file that says that the command must not begin any more. In a folder that every sandbox has for itself. */
export const ENDED_PREFIX = "/run/openclaw/ended.";

/**
 * The script's arguments. It has to run with `MARK_VARIABLE` set to `own`, behind other variables: a `grep` that finds that one can be trusted
 * with the rest (BusyBox's sees the first variable alone); where none does, the shell reads every environment itself, which takes a millisecond each.
 */
export const toKillArguments = (own: string, targets: readonly KillTarget[]): string[] => [
  own,
  ...targets.flatMap(({ mark, leader }) => [mark, leader ?? ""]),
];

/** What it runs comes from no folder that somebody else writes to, whatever the container's own variables say. */
export const toKillEnvironment = (own: string): Record<string, string> => ({
  PATH: "/usr/bin:/bin",
  LD_PRELOAD: "",
  LD_LIBRARY_PATH: "",
  [MARK_VARIABLE]: own,
});

/**
 * A shell function: sets `stat` to all that `$1`, a `/proc/PID/stat`, says, as one line. The name in it is the process's own choice, and may
 * hold a line's end: the fields come after the last parenthesis of the last line, never of the first.
 */
export const READ_STAT = `read_stat() {
  stat=
  while line=; IFS= read -r line || [ -n "$line" ]; do stat="$stat $line"; done <"$1"
  [ -n "$stat" ]
} 2>/dev/null`;

/**
 * `$1` the script's own mark, then for each command its mark and the leader of its session, `late` or nothing. Ends these sessions, everything whose
 * environment carries one of the marks, and all that descends from either, whatever its environment: rounds over /proc until one finds nothing
 * more. One script for any number of commands, since a round costs the same for one and for a hundred.
 *
 * All are halted before the first is ended: none outruns the search, and nobody's parent goes before its children are known. Those without a
 * parent in here go last, for the same reason. Sessions come before marks, because those are found without a process of our own, which there
 * is no room for at the process limit.
 *
 * Exit code 0: nothing of them is left; 2: an argument is none, or the shell could not fork; 3: 60 rounds were not enough.
 */
export const KILL_ALL = `
unset IFS
own=$1; shift; marks=; leaders=" "
while [ "$#" -gt 0 ]; do
  case $1 in '' | *[!A-Za-z0-9]*) exit 2 ;; esac
  marks="$marks $1"
  case \${2-} in ${LATE}) { echo >"${ENDED_PREFIX}$1"; } 2>/dev/null ;; '' | 0 | 1 | *[!0-9]*) ;; *) leaders="$leaders$2 " ;; esac
  shift; [ "$#" -eq 0 ] || shift
done
[ -n "$marks" ] || exit 0
${READ_STAT}
look() {
  # Sets all (pid:parent of each process that has not ended), awake (those not halted), victims (members of the sessions).
  all=; awake=" "; victims=" "
  for entry in /proc/[0-9]*; do
    pid=\${entry#/proc/}
    [ "$pid" != "$$" ] || continue
    read_stat "$entry/stat" || continue
    set -- \${stat##*) }
    case $1 in Z | X) continue ;; T | t) ;; *) awake="$awake$pid " ;; esac
    all="$all $pid:$2"
    case $leaders in *" $3 "* | *" $4 "*) victims="$victims$pid " ;; esac
  done
}
add_children() {
  grown=1
  while [ -n "$grown" ]; do
    grown=
    for one in $all; do
      pid=\${one%:*}
      case $victims in *" $pid "*) continue ;; *" \${one#*:} "*) victims="$victims$pid "; grown=1 ;; esac
    done
  done
}
is_marked() {
  # $1 pid
  while line=; IFS= read -r line || [ -n "$line" ]; do
    for mark in $marks; do case $line in *"${MARK_VARIABLE}=$mark"*) return 0 ;; esac; done
  done <"/proc/$1/environ"
  return 1
} 2>/dev/null
add_marked() {
  found=" "
  set -- -e "${MARK_VARIABLE}=$own"
  for mark in $marks; do set -- "$@" -e "${MARK_VARIABLE}=$mark"; done
  for grep in /bin/grep /usr/bin/grep; do
    [ -x "$grep" ] || continue
    for file in $("$grep" -slF "$@" /proc/[0-9]*/environ 2>/dev/null); do file=\${file#/proc/}; found="$found\${file%/environ} "; done
    break
  done
  for one in $all; do
    pid=\${one%:*}
    case $found in
      *" $$ "*) case $found in *" $pid "*) victims="$victims$pid " ;; esac ;;
      *) if is_marked "$pid"; then victims="$victims$pid "; fi ;;
    esac
  done
}
round=0; halts=0
while [ "$round" -lt 60 ]; do
  round=$((round + 1))
  # What was killed may take its time to go.
  [ "$round" -le 5 ] || sleep 0.1 2>/dev/null || sleep 1
  look; add_children
  if [ "$victims" = " " ]; then add_marked; add_children; fi
  [ "$victims" != " " ] || exit 0
  halted=
  if [ "$halts" -lt 10 ]; then
    for pid in $victims; do case $awake in *" $pid "*) kill -s STOP "$pid" 2>/dev/null; halted=1 ;; esac; done
  fi
  if [ -n "$halted" ]; then halts=$((halts + 1)); continue; fi
  roots=
  for one in $all; do
    pid=\${one%:*}
    case $victims in *" $pid "*) ;; *) continue ;; esac
    if [ "\${one#*:}" = 0 ]; then roots="$roots $pid"; else kill -s KILL "$pid" 2>/dev/null; fi
  done
  for pid in $roots; do kill -s KILL "$pid" 2>/dev/null; done
done
exit 3`;
