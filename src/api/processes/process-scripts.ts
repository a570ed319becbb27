// The shell scripts that keep detached processes, in a sandbox or on a host: constant text for any POSIX shell (dash, bash, BusyBox), with mkfifo, dd,
// wc, mv, sleep and, where there is one, setsid. User input reaches them as arguments, never as part of a script.
import { READ_STAT } from "../kill-script.ts";

/** In the environment of everything that descends from a detached process. */
const PROCESS_MARK = "OPENCLAW_PROCESS_ID";

/** In that of the holder of a process's stdin. */
const HOLDER_MARK = "OPENCLAW_STDIN_OF";

/** Blocks in which logs are read, bytes. */
export const LOG_BLOCK_BYTES = 4_096;
/** Argument bytes that a listing shows of each process; the rest of a longer command is cut off. */
const ARGV_SHOWN_BYTES_MAX = LOG_BLOCK_BYTES;

/** Exit code of all of them for an argument that is not what it should be. */
export const BAD_ARGUMENT = 64;

/**
 * Arguments are checked before anything is done with them: in bash and mksh arithmetic runs what stands in a subscript. The system's folders come
 * first, since an agent may be able to write to those of a `docker.env.PATH`.
 */
const CHECKS = `
given=$PATH; PATH=/usr/local/bin:/usr/bin:/bin\${PATH:+:$PATH}; export PATH
refuse() { exit ${BAD_ARGUMENT}; }
check_id() {
  case $1 in *[!abcdefghijklmnopqrstuvwxyz0123456789]* | ?????????????????????????????????*) refuse ;; ????????*) ;; *) refuse ;; esac
}
check_count() {
  for count in "$@"; do
    case $count in 0) continue ;; '' | 0* | *[!0123456789]* | ?????????????????*) refuse ;; esac
  done
}
`;

/** `log.<position of its first byte>` is one segment of a log. */
const FUNCTIONS = `${CHECKS}
size() { bytes=$(wc -c <"$1") || bytes=0; echo $((bytes)); } 2>/dev/null
number() { value=; { IFS= read -r value <"$1"; } 2>/dev/null; case $value in '' | *[!0-9]*) value=$2 ;; esac; echo "$value"; }
holds() { while line=; IFS= read -r line || [ -n "$line" ]; do case $line in *"$2"*) return 0 ;; esac; done <"$1"; return 1; } 2>/dev/null
${READ_STAT}
signal_marked() {
  # $1 id, $2 session or empty, $3 signal, $4 rounds
  rounds=$4
  while [ "$rounds" -gt 0 ]; do
    rounds=$((rounds - 1)); victims=" "
    for entry in /proc/[0-9]*; do
      pid=\${entry#/proc/}; found=
      read_stat "$entry/stat" || continue
      rest=\${stat##*) }; state=\${rest%% *}; rest=\${rest#* }; parent=\${rest%% *}; rest=\${rest#* }; rest=\${rest#* }; session=\${rest%% *}
      case $state in Z | X) continue ;; esac
      if [ -n "$2" ] && [ "$session" = "$2" ]; then found=1
      elif case $victims in *" $parent "*) true ;; *) false ;; esac; then found=1
      elif holds "$entry/environ" "${PROCESS_MARK}=$1"; then found=1
      fi
      [ -z "$found" ] || victims="$victims$pid "
    done
    [ "$victims" != " " ] || return 0
    for pid in $victims; do kill -s "$3" "$pid" 2>/dev/null; done
  done
}
session_of() {
  # $1 folder, $2 id. The session of a process that has one of its own and has not ended; else nothing: a number may be somebody else's by now.
  [ -f "$1/exit" ] && return
  leader=$(number "$1/pid" 0)
  holds "/proc/$(number "$1/supervisor" 0)/cmdline" "$2" || holds "/proc/$leader/environ" "${PROCESS_MARK}=$2" || return
  read_stat "/proc/$leader/stat" || return
  rest=\${stat##*) }; rest=\${rest#* }; rest=\${rest#* }; rest=\${rest#* }
  [ "\${rest%% *}" != "$leader" ] || echo "$leader"
}
describe() {
  # One line about $dir, whose id is $id: sets state, oldest, total.
  # The supervisor is looked for first: one that is gone by now has written the code by now, unless it was killed.
  state=running; code=-
  holds "/proc/$(number "$dir/supervisor" 0)/cmdline" "$id" || state=exited
  if [ -f "$dir/exit" ]; then state=exited; code=$(number "$dir/exit" -); fi
  oldest=; newest=0
  for segment in "$dir"/log.*; do
    start=\${segment##*.}; case $start in '' | *[!0-9]*) continue ;; esac
    [ -n "$oldest" ] && [ "$oldest" -le "$start" ] || oldest=$start
    [ "$newest" -ge "$start" ] || newest=$start
  done
  oldest=\${oldest:-0}; total=$((newest + $(size "$dir/log.$newest")))
  argv=$(size "$dir/argv"); [ "$argv" -le ${ARGV_SHOWN_BYTES_MAX} ] || argv=${ARGV_SHOWN_BYTES_MAX}
  timed=0; [ ! -f "$dir/timeout" ] || timed=1
  lost=0; [ ! -f "$dir/lost" ] || lost=1
  echo "$id $(number "$dir/started" 0) $state $code $timed $lost $total $oldest $argv"
  [ "$argv" = 0 ] || dd if="$dir/argv" bs=${ARGV_SHOWN_BYTES_MAX} count=1 2>/dev/null
  echo
}
`;

/**
 * `$1` folder of all, `$2` id, `$3` start time in milliseconds, `$4` segment bytes, `$5` segments kept, `$6` seconds until KILL or 0; the
 * rest is the command. Says `ok` when the record is made, runs the command in a session of its own, and ends when all that could still
 * write to the log has ended, so that the engine sees the exec run for as long as there is work.
 *
 * The command runs in the foreground: a shell's background jobs cannot be interrupted (SIGINT is ignored in them for good). Its stdin stays
 * open because of a sleeping holder of the FIFO. The log's pump reads with dd, which passes each short read on at once.
 */
export const SUPERVISOR = `${FUNCTIONS}
mask=$(umask); umask 077
root=$1; id=$2; started=$3; segment_bytes=$4; kept=$5; seconds=$6
check_id "$id"; check_count "$started" "$segment_bytes" "$kept" "$seconds"; shift 6
dir=$root/$id
mkdir -p "$root" && mkdir "$dir" && mkfifo "$dir/in" "$dir/out" && : >"$dir/log.0" &&
  printf '%s\\0' "$@" >"$dir/argv" && echo "$$" >"$dir/supervisor" && echo "$started" >"$dir/started" || exit 125

pump() {
  start=0; starts="0 "; count=1
  while :; do
    before=$(size "$dir/log.$start")
    dd bs=16384 count=16 >>"$dir/log.$start" 2>/dev/null; failed=$?
    after=$(size "$dir/log.$start")
    if [ "$failed" != 0 ]; then
      # The storage is full: the oldest output makes room, and when there is none of it, the newest is lost and said to be.
      if [ "$count" = 1 ]; then : >"$dir/lost"; cat >/dev/null; return; fi
      rm -f "$dir/log.\${starts%% *}"; starts=\${starts#* }; count=$((count - 1)); : >"$dir/lost"
      continue
    fi
    [ "$after" != "$before" ] || return
    [ "$after" -ge "$segment_bytes" ] || continue
    start=$((start + after)); starts="$starts$start "; count=$((count + 1))
    : >"$dir/log.$start"
    [ "$count" -le "$kept" ] || { rm -f "$dir/log.\${starts%% *}"; starts=\${starts#* }; count=$((count - 1)); }
  done
}
pump <"$dir/out" >/dev/null 2>&1 & pump=$!
${HOLDER_MARK}=$id sleep 2147483647 <>"$dir/in" >/dev/null 2>&1 & echo "$!" >"$dir/holder"
timer=
if [ "$seconds" -gt 0 ]; then
  {
    trap 'kill "$sleeper"; exit' TERM
    sleep "$seconds" & sleeper=$!
    wait "$sleeper" && : >"$dir/timeout" && signal_marked "$id" "$(session_of "$dir" "$id")" KILL 30
  } </dev/null >/dev/null 2>&1 & timer=$!
fi
echo ok
session=; ! command -v setsid >/dev/null 2>&1 || session=setsid
${PROCESS_MARK}=$id $session /bin/sh -c 'echo "$$" >"$1/pid"; PATH=$2; export PATH; umask "$3"; shift 3; exec "$@"' openclaw-process "$dir" "$given" "$mask" "$@" <"$dir/in" >"$dir/out" 2>&1
code=$?
echo "$code" >"$dir/exit.new"
kill "$(number "$dir/holder" 0)" $timer 2>/dev/null
# The log is complete when the code is known, unless something that was left behind still holds it.
{ sleep 1; mv "$dir/exit.new" "$dir/exit"; } </dev/null >/dev/null 2>&1 & late=$!
wait "$pump"
mv "$dir/exit.new" "$dir/exit" 2>/dev/null
kill "$late" 2>/dev/null
exit 0`;

/** `$1` folder of all. One line and the arguments of each. */
export const LIST = `${FUNCTIONS}
for dir in "$1"/*/; do
  dir=\${dir%/}; id=\${dir##*/}
  case $id in *[!a-z0-9]*) continue ;; esac
  [ ! -f "$dir/started" ] || describe
done
exit 0`;

/** Exit codes of the scripts about one process. */
export const NO_SUCH_PROCESS = 3;
export const PROCESS_ENDED = 4;
export const STDIN_ENDED = 5;

const FIND = `check_id "$2"; dir=$1/$2; id=$2; [ -f "$dir/started" ] || exit ${NO_SUCH_PROCESS}`;

/** `$1` folder of all, `$2` id, `$3` offset, `$4` blocks, `$5` fifths of a second to wait for output. The record, the position of the data, the data. */
export const READ_LOG = `${FUNCTIONS}check_count "$3" "$4" "$5"
${FIND}
offset=$3; rounds=$5
while describe >/dev/null; [ "$rounds" -gt 0 ] && [ "$state" = running ] && [ "$total" -le "$offset" ]; do
  rounds=$((rounds - 1)); sleep 0.2 2>/dev/null || sleep 1
done
describe
[ "$offset" -ge "$oldest" ] || offset=$oldest
[ "$offset" -le "$total" ] || offset=$total
first=$oldest
for segment in "$dir"/log.*; do
  start=\${segment##*.}; case $start in '' | *[!0-9]*) continue ;; esac
  [ "$start" -gt "$offset" ] || [ "$start" -lt "$first" ] || first=$start
done
skip=$(((offset - first) / ${LOG_BLOCK_BYTES}))
echo "$((first + skip * ${LOG_BLOCK_BYTES}))"
[ "$4" = 0 ] || exec dd if="$dir/log.$first" bs=${LOG_BLOCK_BYTES} skip="$skip" count="$4" 2>/dev/null`;

/** `$1` folder of all, `$2` id. Passes its input on. */
export const WRITE_STDIN = `${CHECKS}${FIND}
[ ! -f "$dir/exit" ] || exit ${PROCESS_ENDED}
[ ! -f "$dir/closed" ] || exit ${STDIN_ENDED}
exec cat >"$dir/in"`;

/** `$1` folder of all, `$2` id. The process reads the end of its input when it has read what is there. */
export const END_STDIN = `${FUNCTIONS}${FIND}
[ ! -f "$dir/exit" ] || exit ${PROCESS_ENDED}
: >"$dir/closed"
holder=$(number "$dir/holder" 0)
holds "/proc/$holder/environ" "${HOLDER_MARK}=$id" && kill "$holder"
exit 0`;

/** `$1` folder of all, `$2` id, `$3` signal, `$4` rounds: 1, or more so that nothing outruns KILL. Also reaches what it left behind. */
export const SIGNAL_PROCESS = `${FUNCTIONS}check_count "$4"
case $3 in '' | *[!ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789]*) refuse ;; esac
${FIND}
signal_marked "$id" "$(session_of "$dir" "$id")" "$3" "$4"
exit 0`;

/** `$1` folder of all, then the ids of those that have ended. */
export const FORGET = `${CHECKS}
root=$1; shift
for id in "$@"; do check_id "$id"; done
for id in "$@"; do rm -rf "$root/$id" || exit 1; done
exit 0`;
