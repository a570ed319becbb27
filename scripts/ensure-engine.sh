#!/usr/bin/env bash
# Makes "a container engine answers" true. One that answers wins, wherever it is (find-engine.sh); else, as root on Debian or
# Ubuntu, Docker is installed from the distribution and started; else it says what to do and exits 1.
#   ensure-engine.sh          prints the engine's address; 0.1 s when there is one, about 15 s from nothing
#   DOCKERD_FLAGS="--mtu 1400"   DOCKERD_LOG=/var/log/openclaw-dockerd.log
set -euo pipefail
# shellcheck source=scripts/project.sh
. "$(dirname -- "$0")/project.sh"
# shellcheck source=scripts/progress.sh
. scripts/progress.sh

log=${DOCKERD_LOG:-/var/log/openclaw-dockerd.log}
start_seconds_max=60 # 0.3 s as a rule; a restart after kill -9 that must end 100 left-over containers took 10 s

if address=$(scripts/find-engine.sh 2>/dev/null); then
  printf '%s\n' "$address"
  exit 0
fi
reasons=$(scripts/find-engine.sh 2>&1 >/dev/null || true)
give_up() {
  printf '%s\n' "$reasons" >&2
  die "$@"
}

# An engine that somebody chose and that is down is theirs to start.
case $reasons in *"no container engine answers. Tried:"*) ;; *) give_up "the chosen engine is not available (see above)." ;; esac
if [ "$(uname -s)" = Darwin ]; then
  give_up "no container engine is running." "Start Docker Desktop, OrbStack or Colima (brew install colima docker; colima start), then run this again."
fi
[ "$(id -u)" = 0 ] || give_up "no container engine answers, and only root can install or start one." \
  "sudo scripts/ensure-engine.sh" \
  "or, where it is installed: sudo systemctl start docker; or rootless: systemctl --user start docker (or podman.socket)"

# One at a time: two test runs on a new machine must not install twice.
lock=/run/openclaw-ensure-engine.lock
exec 9>"$lock"
flock -w 300 9 || die "another ensure-engine.sh has held $lock for 5 min." "Look for it with: fuser -v $lock"
if address=$(scripts/find-engine.sh 2>/dev/null); then
  printf '%s\n' "$address"
  exit 0
fi

missing=()
command -v dockerd >/dev/null 2>&1 || missing+=(docker.io)
command -v iptables >/dev/null 2>&1 || missing+=(iptables)
if [ "${#missing[@]}" -gt 0 ]; then
  command -v apt-get >/dev/null 2>&1 || give_up "no container engine is installed, and this is neither Debian nor Ubuntu." \
    "Install Docker or Podman with this system's package manager, start it, then run this again."
  install_packages "${missing[@]}" 9>&- || die "Docker could not be installed (${missing[*]})." \
    "Check the machine's package sources (apt-get update) and its network, or install Docker another way, then run this again."
  # Newer releases ship the command line apart from the daemon.
  command -v docker >/dev/null 2>&1 || install_packages docker-cli 9>&- || say "the docker command is missing; building images will ask for it"
fi

answers() { scripts/find-engine.sh >/dev/null 2>&1; }

# process_is PID NAME: alive (a zombie is not) and of that name. After a kill -9 the number in a pid file may be anybody's.
process_is() {
  grep -qsE '^State:[[:space:]]+[^ZX]' "/proc/$1/status" && grep -qs "$2" "/proc/$1/comm"
}
remove_stale() {
  local file=$1 name=$2 pid
  pid=$(cat "$file" 2>/dev/null) || return 0
  process_is "${pid:-none}" "$name" && return 0
  say "removing $file: its process ${pid:-(none)} is gone"
  rm -f "$file"
}

start_with_systemd() { systemctl start docker 9>&-; }
# A shell stays in the chroot as dockerd's parent, so that ending what lives in the chroot ends the engine too.
# shellcheck disable=SC2016
stay='setpriv --pdeathsig TERM unshare --mount --propagation private "$@" & trap "kill $!" TERM INT; wait'

start_directly() {
  local flags launch=()
  remove_stale /var/run/docker.pid dockerd
  remove_stale /var/run/docker/containerd/containerd.pid containerd
  read -r -a flags <<<"${DOCKERD_FLAGS:-}"
  if scripts/own-root.sh --needed; then
    say "this is a chroot: dockerd gets a mount namespace whose root is this folder"
    launch=(sh -c "$stay" sh scripts/own-root.sh)
    daemon_name='sh'
  fi
  # The daemon must hold neither the lock nor this terminal.
  setsid nohup ${launch[@]+"${launch[@]}"} dockerd ${flags[@]+"${flags[@]}"} >>"$log" 2>&1 </dev/null 9>&- &
  daemon=$!
}

explain_failure() {
  reasons_in "$log" 2>/dev/null | sed 's/^/    /' >&2
  die "$1" \
    "The lines above are from $log; the usual reasons:" \
    "'iptables ... Permission denied' or 'Operation not permitted': this machine is a container that may not run an engine; give it --privileged or an engine's socket" \
    "'cgroup': mount the cgroup file system at /sys/fs/cgroup" \
    "'pid file found': another dockerd is running; end it or set DOCKER_HOST to its socket"
}

started=$SECONDS daemon='' daemon_name=dockerd
if ! answers; then # installing may have started the service
  if [ -d /run/systemd/system ]; then
    say "starting the docker service"
    log=/dev/null start_with_systemd || die "the docker service did not start." "See: systemctl status docker; journalctl -u docker -n 50"
  else
    say "starting dockerd (its log: $log)"
    start_directly
  fi
fi
until answers; do
  if [ -n "$daemon" ] && ! process_is "$daemon" "$daemon_name" && [ $((SECONDS - started)) -ge 2 ]; then explain_failure "dockerd ended instead of answering."; fi
  [ $((SECONDS - started)) -lt "$start_seconds_max" ] || explain_failure "dockerd runs, but did not answer within $start_seconds_max s."
  sleep 0.2
done
say "an engine answers after $((SECONDS - started)) s"
scripts/find-engine.sh
