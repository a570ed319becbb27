# shellcheck shell=bash
# Sourced by the other scripts: says what happens, how long it took, and what to do when it fails. Portable to bash 3.2.
# It prints on stderr only, so that a script's stdout stays its result.

progress_name=$(basename "$0" .sh)

say() { printf '%s: %s\n' "$progress_name" "$*" >&2; }

# die WHAT [WHAT-TO-DO ...]: one line each, then exit 1.
die() {
  say "error: $1"
  shift
  while [ $# -gt 0 ]; do
    printf '  %s\n' "$1" >&2
    shift
  done
  exit 1
}

# The last line of a log that says something: colours and control characters are left out, and ids of a builder's containers.
last_words() { tail -n 20 "$1" | tr -d '\r\033' | sed 's/\[[0-9;]*m//g' | grep -v '^ ---> ' | grep '[^[:space:]]' | tail -n 1 | cut -c 1-100; }

# reasons_in LOG: the lines of a log that say why a program ended, above the page of addresses that a crash leaves; where none does, its last lines.
reasons_in() {
  tail -n 400 "$1" | grep -E '^(panic|fatal error):|^failed to |level=fatal' | tail -n 3 | grep . || tail -n 20 "$1"
}

# step LABEL COMMAND...: runs it with its output in a log file; a sign of life every 10 s, the duration at the end,
# and the last lines of the log when it fails. Returns the command's exit code. Ctrl-C ends it and all that it started.
step() {
  local label=$1 log started pid rc=0 waited=0 interrupted=
  shift
  log=$(mktemp "${TMPDIR:-/tmp}/openclaw-step.XXXXXX")
  started=$SECONDS
  say "$label ..."
  # Until the step's process is known, a Ctrl-C is only noted.
  trap 'interrupted=INT' INT
  trap 'interrupted=TERM' TERM
  trap 'interrupted=HUP' HUP
  # As a process group of its own: what runs in the background does not receive Ctrl-C.
  set -m
  "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  set +m
  trap 'end_step "$pid" "$log" INT' INT
  trap 'end_step "$pid" "$log" TERM' TERM
  trap 'end_step "$pid" "$log" HUP' HUP
  [ -z "$interrupted" ] || end_step "$pid" "$log" "$interrupted"
  while kill -0 "$pid" 2>/dev/null; do
    # Most steps are over at once.
    case $waited in ?) sleep 0.02 ;; *) sleep 0.2 ;; esac
    waited=$((waited + 1))
    [ $((waited % 50)) -ne 0 ] || say "  still at it after $((SECONDS - started)) s: $(last_words "$log")"
  done
  wait "$pid" || rc=$?
  trap - INT TERM HUP
  if [ "$rc" -eq 0 ]; then
    say "  done in $((SECONDS - started)) s"
  else
    say "  failed with exit code $rc after $((SECONDS - started)) s; its last lines:"
    tail -n 20 "$log" | sed 's/^/    /' >&2
  fi
  rm -f "$log"
  return "$rc"
}

# end_step PID LOG SIGNAL: the end that the signal asked for, for what the step started and then for this script too.
end_step() {
  trap - INT TERM HUP
  say "  interrupted: ending it"
  kill -s TERM -- "-$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
  rm -f "$2"
  kill -s "$3" $$
}

# with_deadline SECONDS COMMAND...: timeout(1) where there is one (macOS has none: then without a deadline).
with_deadline() {
  if command -v timeout >/dev/null 2>&1; then
    timeout -k 5 "$@"
  else
    shift
    "$@"
  fi
}

# refresh_packages: Debian/Ubuntu, as root; once is enough.
refresh_packages() {
  [ -z "${progress_apt_fresh:-}" ] || return 0
  command -v apt-get >/dev/null 2>&1 && step "refreshing the package lists" apt-get update || return 1
  progress_apt_fresh=1
}

# install_packages NAME...: Debian/Ubuntu, as root. Package lists are refreshed first, so call it only when something is missing.
install_packages() {
  refresh_packages || return 1
  step "installing $*" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}
