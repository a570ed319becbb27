#!/usr/bin/env bash
# Waits until the gateway and the controller of this checkout are healthy, and says what keeps them from it when they are not in time.
#   compose-ready.sh      OPENCLAW_READY_SECONDS=120: healthy takes 2 s as a rule, and 40 s on a small machine that is busy
set -euo pipefail
# shellcheck source=scripts/project.sh
. "$(dirname -- "$0")/project.sh"
# shellcheck source=scripts/progress.sh
. scripts/progress.sh
# shellcheck source=scripts/use-engine.sh
. scripts/use-engine.sh
use_engine || exit 1

seconds_max=${OPENCLAW_READY_SECONDS:-120}
log_lines=15

# health SERVICE: healthy, starting, unhealthy; or the container's state where that says more (missing, created, restarting, exited).
# The engine checks a container for the first time after an interval, 10 s: until then its check is made here.
health() {
  local container state check
  container=$(scripts/compose.sh ps -q "$1" 2>/dev/null | head -n 1)
  [ -n "$container" ] || {
    echo missing
    return
  }
  state=$(docker inspect --format '{{if eq .State.Status "running"}}{{with .State.Health}}{{.Status}}{{else}}healthy{{end}}{{else}}{{.State.Status}}{{end}}' "$container" 2>/dev/null) || state=missing
  if [ "$state" = starting ]; then
    check=$(docker inspect --format '{{with .Config.Healthcheck}}{{index .Test 3}}{{end}}' "$container" 2>/dev/null) || check=
    if [ -n "$check" ] && docker exec "$container" node -e "$check" >/dev/null 2>&1; then state=healthy; fi
  fi
  echo "$state"
}

explain() {
  local service=$1 state=$2
  say "$service is $state; the end of its log:"
  scripts/compose.sh logs --no-color --tail "$log_lines" "$service" 2>&1 | sed 's/^/    /' >&2 || true
}

started=$SECONDS controller='' gateway=''
until [ "$controller" = healthy ] && [ "$gateway" = healthy ]; do
  if [ $((SECONDS - started)) -ge "$seconds_max" ]; then
    [ "$controller" = healthy ] || explain openclaw-controller "$controller"
    [ "$gateway" = healthy ] || explain openclaw-gateway "$gateway"
    die "not healthy within $seconds_max s (controller: $controller, gateway: $gateway)." \
      "More of the logs: scripts/compose.sh logs openclaw-controller openclaw-gateway; what is wrong with the machine: scripts/compose.sh run --rm openclaw-cli doctor"
  fi
  [ "$controller$gateway" = '' ] || sleep 0.5
  controller=$(health openclaw-controller)
  gateway=$(health openclaw-gateway)
done
say "gateway and controller are healthy after $((SECONDS - started)) s"
