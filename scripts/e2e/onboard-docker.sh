#!/usr/bin/env bash
# The containers from nothing to nothing, as their user would: set up, onboard, a session, a command in its sandbox, the token pasted into the
# page in Chromium (where it is installed, with the checkout's own packages), an edited config that converges, metrics, each container killed,
# taken down; then it looks for what is left. In a copy of the checkout, with a project, ports, an image's name and a state folder of its own:
# what else runs on this engine is not touched.
#   scripts/e2e/onboard-docker.sh      a minute, when the image's layers are there; exit code 1 at the first thing that is not as promised
set -euo pipefail
# shellcheck source=scripts/project.sh
. "$(dirname -- "$0")/../project.sh"
# shellcheck source=scripts/progress.sh
. scripts/progress.sh

command -v curl >/dev/null 2>&1 || die "this test asks the gateway with curl, and there is none." "Debian, Ubuntu: sudo apt-get install curl"

# free_port: one that nobody listens on now.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 10000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
  done
  echo "$port"
}

root=$PWD
folder=$(cd "$(mktemp -d)" && pwd -P)
checkout=$folder/checkout state=$folder/state
mkdir "$checkout" "$folder/home"
tar -cf - --exclude ./node_modules --exclude ./.git --exclude ./.env --exclude './docker-compose.extra.yml' . | tar -xf - -C "$checkout"
cd "$checkout"

# Whom the containers run as; root stays out of them.
uid=$(id -u)
[ "$uid" != 0 ] || uid=1000
export DOCKER_CONFIG=${DOCKER_CONFIG:-$HOME/.docker}
export HOME=$folder/home COMPOSE_PROJECT_NAME=openclaw-e2e-$$ OPENCLAW_IMAGE=openclaw-e2e-$$:local OPENCLAW_CONFIG_DIR=$state
unset COMPOSE_FILE OPENCLAW_WORKSPACE_DIR OPENCLAW_GATEWAY_TOKEN OPENCLAW_INSTANCE OPENCLAW_GATEWAY_PUBLISH OPENCLAW_GATEWAY_BIND OPENCLAW_UID OPENCLAW_GID
OPENCLAW_GATEWAY_PORT=$(free_port) OPENCLAW_METRICS_PORT=$(free_port)
export OPENCLAW_GATEWAY_PORT OPENCLAW_METRICS_PORT
gateway=http://127.0.0.1:$OPENCLAW_GATEWAY_PORT metrics=http://127.0.0.1:$OPENCLAW_METRICS_PORT

finish() {
  local code=$?
  trap - EXIT
  if [ "$code" -ne 0 ]; then
    tail -n 20 "$folder/cli.log" >&2 || true
    scripts/compose.sh ps >&2 || true
    scripts/compose.sh logs --no-color --tail 30 >&2 || true
  fi
  ./docker-setup.sh --uninstall --yes >/dev/null 2>&1 || true
  rm -rf "$folder"
  exit "$code"
}
trap finish EXIT
trap 'exit 1' INT TERM

passed() { say "ok    $*"; }

# within SECONDS WHAT COMMAND...: tries until it succeeds.
within() {
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || die "$what: not in time." "$("$@" 2>&1 | tail -n 5 || true)"
    sleep 0.5
  done
}

# expect WHAT TEXT PATTERN: the text has what the pattern (of grep) says.
expect() { grep -q -e "$3" <<<"$2" || die "$1: expected $3, and it is:" "$(head -n 20 <<<"$2")"; }

openclaw() { scripts/compose.sh run --rm -T openclaw-cli "$@" </dev/null 2>>"$folder/cli.log"; }
container() { scripts/compose.sh ps -q "$1" | head -n 1; }

# The token goes by a file: what stands in a command is for everybody on this machine to see.
ask() {
  local path=$1
  shift
  curl -sS --noproxy '*' --max-time 60 --config "$folder/curl" -H 'Content-Type: application/json' "$@" "$gateway$path"
}

# --- set up, twice
mkdir "$folder/shared" && echo "from the host" >"$folder/shared/note"
export OPENCLAW_EXTRA_MOUNTS="$folder/shared:/home/node/notes:ro"
./docker-setup.sh --yes >"$folder/setup.log" 2>&1 || die "docker-setup.sh failed:" "$(cat "$folder/setup.log")"
passed "docker-setup.sh ends with a healthy gateway and controller"
before=$(cat .env) ids="$(container openclaw-gateway) $(container openclaw-controller)"
unset OPENCLAW_EXTRA_MOUNTS
./docker-setup.sh --yes >"$folder/setup.log" 2>&1 || die "docker-setup.sh failed the second time:" "$(cat "$folder/setup.log")"
[ "$before" = "$(cat .env)" ] || die "docker-setup.sh changed .env when it ran again."
[ "$ids" = "$(container openclaw-gateway) $(container openclaw-controller)" ] || die "docker-setup.sh replaced containers when it ran again."
passed "run again it changes nothing"
(umask 077 && sed -n 's/^OPENCLAW_GATEWAY_TOKEN=\(.*\)/header = "Authorization: Bearer \1"/p' .env >"$folder/curl")
[ -s "$folder/curl" ] || die "docker-setup.sh wrote no token."
expect "the extra mount" "$(scripts/compose.sh exec -T openclaw-gateway cat /home/node/notes/note </dev/null)" "from the host"
passed "extra mounts are there"

# --- onboarded
expect "the first config" "$(openclaw config validate)" ": valid"
expect "the gateway's health" "$(scripts/compose.sh exec -T openclaw-gateway node dist/index.js health </dev/null)" ": ready"
expect "the status" "$(openclaw status)" "^Controller: *ready"
passed "the first config is valid, and everything says that it is ready"

# --- a session and its sandbox
ask /v1/sessions -d '{"key":"agent:main:e2e"}' >/dev/null
expect "a command" "$(ask /v1/sessions/agent:main:e2e/tools/exec -d '{"command":"id -u; pwd; echo kept >proof"}')" "$uid\\\\n/workspace"
proof=$(find "$state/sandboxes" "$state/workspace" -name proof)
[ -n "$(find "$proof" -user "$uid")" ] || die "$proof does not belong to uid $uid."
sandbox=$(docker ps --format '{{.Names}}' --filter "volume=$(dirname "$proof")")
[ -n "$sandbox" ] || die "no sandbox has $(dirname "$proof") mounted."
expect "the list" "$(openclaw sandbox list)" "$sandbox .*True"
passed "a session's command runs in $sandbox, and its file is on the host, with the right owner"

# --- the page, where there is a browser
if command -v chromium >/dev/null 2>&1 && [ -x "$root/node_modules/.bin/node" ] && [ -d "$root/node_modules/playwright-core" ]; then
  shown=$("$root/node_modules/.bin/node" --disable-warning=ExperimentalWarning "$root/scripts/e2e/open-page.ts" "$gateway/" 2>&1) || die "the page in Chromium:" "$shown"
  if grep -q "No device is paired" <<<"$(openclaw devices list)"; then die "the browser was let in, and no device is paired."; fi
  passed "the page takes the pasted token, and lets the browser in once the command that it shows was typed"
else
  say "skip  the page in a browser: there is no chromium, or npm ci was not run in this checkout"
fi

# --- edit, converge
first=$(docker inspect --format '{{.Id}}' "$sandbox")
memory_is() { [ "$(docker inspect --format '{{.HostConfig.Memory}}' "$sandbox")" = "$1" ]; }
openclaw config set agents.defaults.sandbox.docker.memory 300m >/dev/null
within 30 "a changed memory limit" memory_is 314572800
[ "$(docker inspect --format '{{.Id}}' "$sandbox")" = "$first" ] || die "a memory limit needed a new container."
openclaw config set agents.defaults.sandbox.rollout.hotWindow 1s >/dev/null
openclaw config set agents.defaults.sandbox.docker.env.GREETING hello >/dev/null
is_another() { [ "$(docker inspect --format '{{.Id}}' "$sandbox")" != "$first" ]; }
within 60 "a changed variable" is_another
openclaw sandbox wait --all --for converged --timeout 60s >/dev/null
# shellcheck disable=SC2016 # the sandbox's shell expands it
expect "the new variable" "$(ask /v1/sessions/agent:main:e2e/tools/exec -d '{"command":"echo $GREETING; cat proof"}')" 'hello\\nkept'
passed "an edited config converges: a limit in the running container, a variable in a new one, the files stay"

# --- metrics
expect "the controller's metrics" "$(curl -sS --noproxy '*' --max-time 10 "$metrics/metrics")" '^openclaw_sandboxes'
expect "the gateway's metrics" "$(ask /metrics)" '^openclaw_gateway'
passed "both are scraped"

# --- kill each
docker kill "$sandbox" >/dev/null
has_kept() { ask /v1/sessions/agent:main:e2e/tools/exec -d '{"command":"cat proof"}' | grep kept; }
within 30 "a command after the sandbox was killed" has_kept
for service in gateway controller; do
  id=$(container "openclaw-$service")
  since=$(docker inspect --format '{{.State.StartedAt}}' "$id")
  # Everything but the init, which then ends too: as after a crash.
  docker exec --user "$uid" "$id" sh -c 'kill -s KILL -- -1' >/dev/null 2>&1 || true
  restarted() { [ "$(docker inspect --format '{{.State.StartedAt}}' "$id")" != "$since" ]; }
  within 30 "the $service after a crash" restarted
  scripts/compose-ready.sh 2>/dev/null || die "the $service did not come back healthy."
done
within 30 "a command after both were killed" has_kept
[ "$(docker inspect --format '{{.State.Running}}' "$sandbox")" = true ] || die "the sandbox did not outlive them."
passed "sandbox, gateway and controller come back from a kill, and lose nothing"

# --- away
instance=$(docker inspect --format '{{index .Config.Labels "openclaw.instance"}}' "$sandbox")
./docker-setup.sh --uninstall --yes >"$folder/setup.log" 2>&1 || die "docker-setup.sh --uninstall failed:" "$(cat "$folder/setup.log")"
left=$(
  for filter in "com.docker.compose.project=$COMPOSE_PROJECT_NAME" "openclaw.instance=$instance"; do
    docker ps --all --quiet --filter "label=$filter"
    docker network ls --quiet --filter "label=$filter"
    docker volume ls --quiet --filter "label=$filter"
  done
  docker image ls --quiet "$OPENCLAW_IMAGE"
)
[ -z "$left" ] || die "something is left:" "$left"
{ [ -e "$state/openclaw.json" ] && [ -e "$proof" ]; } || die "the config or a workspace is gone."
passed "nothing is left but config and workspaces"
