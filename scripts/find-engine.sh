#!/usr/bin/env bash
# Prints the address of the container engine that answers, in the order people expect: DOCKER_HOST, DOCKER_CONTEXT, the docker
# CLI's current context, then the usual sockets. It installs and starts nothing, and needs no docker CLI for local engines.
#   find-engine.sh            prints e.g. unix:///var/run/docker.sock; exit code 1 and the list of what was tried if nothing answers
# An engine that somebody chose (the first three) is never replaced by another one that happens to answer.
set -euo pipefail
# shellcheck source=scripts/project.sh
. "$(dirname -- "$0")/project.sh"
# shellcheck source=scripts/progress.sh
. scripts/progress.sh

docker_config=${DOCKER_CONFIG:-${HOME:-/root}/.docker}
ping_seconds_max=5

# answers ADDRESS: whether an engine behind this address answers a ping in time.
answers() {
  case $1 in
  unix://*)
    [ -S "${1#unix://}" ] || return 1
    ping_unix "${1#unix://}"
    ;;
  tcp://* | http://* | https://*) ping_tcp "${1#*://}" ;;
  *) ping_docker_cli "$1" ;; # ssh://, npipe://: only the docker CLI speaks them
  esac
}

ping_unix() {
  if command -v curl >/dev/null 2>&1; then
    curl -fsS -o /dev/null --noproxy '*' --max-time "$ping_seconds_max" --unix-socket "$1" http://localhost/_ping 2>/dev/null
  elif command -v node >/dev/null 2>&1; then
    # shellcheck disable=SC2016 # JavaScript, not shell
    env -u NODE_USE_ENV_PROXY node -e '
      const [socketPath, seconds] = process.argv.slice(1);
      setTimeout(() => process.exit(1), Number(seconds) * 1000).unref();
      const request = require("node:http").get({ socketPath, path: "/_ping" }, (response) => process.exit(response.statusCode === 200 ? 0 : 1));
      request.on("error", () => process.exit(1));
    ' "$1" "$ping_seconds_max"
  else
    ping_docker_cli "unix://$1"
  fi
}

ping_tcp() {
  if command -v curl >/dev/null 2>&1 && [ -z "${DOCKER_TLS_VERIFY:-}" ]; then
    curl -fsS -o /dev/null --noproxy localhost,127.0.0.1,::1 --max-time "$ping_seconds_max" "http://$1/_ping" 2>/dev/null && return
  fi
  ping_docker_cli "tcp://$1"
}

# Also for TLS: the CLI knows where its certificates are.
ping_docker_cli() {
  command -v docker >/dev/null 2>&1 || return 1
  if [ "$1" = context ]; then
    with_deadline "$ping_seconds_max" docker --context "$2" version --format '{{.Server.Version}}' >/dev/null 2>&1
  else
    with_deadline "$ping_seconds_max" docker -H "$1" version --format '{{.Server.Version}}' >/dev/null 2>&1
  fi
}

# context_address NAME: the address a context of the docker CLI points to; nothing if there is no such context.
context_address() {
  local meta
  [ "$1" != default ] || return 0
  for meta in "$docker_config"/contexts/meta/*/meta.json; do
    [ -f "$meta" ] || continue
    grep -q "\"Name\"[[:space:]]*:[[:space:]]*\"$1\"" "$meta" || continue
    tr -d '\n' <"$meta" | sed -n 's/.*"docker"[[:space:]]*:[[:space:]]*{[^}]*"Host"[[:space:]]*:[[:space:]]*"\([^"]*\)".*/\1/p'
    return 0
  done
}

# chosen ADDRESS WHO WAY-OUT: the engine somebody chose; it answers or nothing does.
chosen() {
  if answers "$1"; then
    printf '%s\n' "$1"
    exit 0
  fi
  die "$2 names $1, and no engine answers there." "Start that engine, or $3."
}

# chosen_context NAME WHO WAY-OUT
chosen_context() {
  local address
  address=$(context_address "$1")
  [ -n "$address" ] || die "$2 names the docker context '$1', which does not exist in $docker_config." "See 'docker context ls', or $3."
  if ping_docker_cli context "$1"; then
    printf '%s\n' "$address"
    exit 0
  fi
  chosen "$address" "$2" "$3"
}

[ -z "${DOCKER_HOST:-}" ] || chosen "$DOCKER_HOST" DOCKER_HOST "unset DOCKER_HOST"
if [ -n "${DOCKER_CONTEXT:-}" ]; then
  [ "$DOCKER_CONTEXT" = default ] || chosen_context "$DOCKER_CONTEXT" DOCKER_CONTEXT "unset DOCKER_CONTEXT"
elif [ -f "$docker_config/config.json" ]; then
  current=$(tr -d '\n' <"$docker_config/config.json" | sed -n 's/.*"currentContext"[[:space:]]*:[[:space:]]*"\([^"]*\)".*/\1/p')
  if [ -n "$current" ] && [ "$current" != default ]; then
    chosen_context "$current" "$docker_config/config.json" "choose another with 'docker context use default'"
  fi
fi

runtime_dir=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}
sockets="/var/run/docker.sock
${HOME:-/root}/.docker/run/docker.sock
${HOME:-/root}/.docker/desktop/docker.sock
${HOME:-/root}/.colima/default/docker.sock
${HOME:-/root}/.orbstack/run/docker.sock
$runtime_dir/docker.sock
$runtime_dir/podman/podman.sock
/run/podman/podman.sock"
tried=
while IFS= read -r socket; do
  if answers "unix://$socket"; then
    printf 'unix://%s\n' "$socket"
    exit 0
  fi
  if [ ! -S "$socket" ]; then
    tried="$tried  $socket: not there"$'\n'
  elif [ ! -w "$socket" ]; then
    tried="$tried  $socket: there, but $(id -un) may not use it (add them to the socket's group: sudo usermod -aG docker $(id -un), then log in again)"$'\n'
  else
    tried="$tried  $socket: there, but nothing answers"$'\n'
  fi
done <<<"$sockets"
say "no container engine answers. Tried:"
printf '%s' "$tried" >&2
exit 1
