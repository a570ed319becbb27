#!/usr/bin/env bash
# Sets up gateway and controller in containers: image, settings (.env), config, start; run again, it keeps what is there and repairs the rest.
# The host needs bash and Docker with Compose. It removes nothing but with --uninstall, and never changes a token that is there.
#   ./docker-setup.sh              asks what it needs to know; without a terminal, or with --yes, it asks nothing
#   ./docker-setup.sh --install    first installs Docker and Compose where they are missing (Debian, Ubuntu; as root)
#   ./docker-setup.sh --offline    fetches and builds nothing: the images must be there
#   ./docker-setup.sh --uninstall  ends and removes containers, sandboxes, networks and its own image; config, workspaces and .env stay
# Settings, from the environment, else .env, else the default; they are kept in .env:
#   OPENCLAW_CONFIG_DIR (~/.openclaw)  OPENCLAW_WORKSPACE_DIR (its workspace/)  OPENCLAW_GATEWAY_PORT (18789)  OPENCLAW_GATEWAY_TOKEN (made)
#   OPENCLAW_GATEWAY_BIND (lan: inside the container)  OPENCLAW_GATEWAY_PUBLISH (127.0.0.1)  OPENCLAW_METRICS_PORT (9464)  OPENCLAW_IMAGE
#   OPENCLAW_EXTRA_MOUNTS  OPENCLAW_HOME_VOLUME  OPENCLAW_DOCKER_APT_PACKAGES  OPENCLAW_DOCKER_SOCKET  OPENCLAW_INSTANCE  COMPOSE_PROJECT_NAME
#   OPENCLAW_UID, OPENCLAW_GID (yours; for root 1000)  OPENCLAW_EGRESS_IMAGE
# Set to nothing, EXTRA_MOUNTS, HOME_VOLUME and APT_PACKAGES are forgotten.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@" # of `sh docker-setup.sh`
set -euo pipefail
# shellcheck source=scripts/project.sh
. "$(dirname -- "$0")/scripts/project.sh"
# shellcheck source=scripts/progress.sh
. scripts/progress.sh
# shellcheck source=scripts/use-engine.sh
. scripts/use-engine.sh
# shellcheck source=scripts/checkout-id.sh
. scripts/checkout-id.sh
# shellcheck source=scripts/dotenv.sh
. scripts/dotenv.sh
# shellcheck source=scripts/extra-mounts.sh
. scripts/extra-mounts.sh
# shellcheck source=scripts/docker-settings.sh
. scripts/docker-settings.sh

sandbox_image=openclaw-sandbox:bookworm-slim
image_uid=1000 # whom the image runs as, unless told otherwise
install='' yes='' offline='' uninstall='' unattended=''
for argument in "$@"; do
  case $argument in
  --install) install=1 ;;
  --yes | -y) yes=1 ;;
  --offline) offline=1 ;;
  --uninstall) uninstall=1 ;;
  -h | --help)
    sed -n '2,${/^#/!q;s/^# \{0,1\}//p;}' docker-setup.sh
    exit 0
    ;;
  *)
    say "error: unknown argument '$argument'. Usage: ./docker-setup.sh [--install] [--yes] [--offline] [--uninstall]"
    exit 2
    ;;
  esac
done
{ [ -t 0 ] && [ -t 1 ]; } || unattended=1
[ -z "$install$offline" ] || [ "$install$offline" = 1 ] || die "--install fetches packages, and --offline fetches nothing." "Give one of them."

# --- the machine

check_engine() {
  if [ -n "$install" ]; then
    scripts/ensure-engine.sh >/dev/null
    # An engine that was there already may have come without it; before Debian 13 the command was part of docker.io.
    command -v docker >/dev/null 2>&1 || install_packages docker-cli || install_packages docker.io || die "the docker command could not be installed." "Check the machine's package sources: apt-get update"
  fi
  command -v docker >/dev/null 2>&1 || die "there is no 'docker' command." \
    "Debian, Ubuntu: sudo ./docker-setup.sh --install, or: sudo apt-get install docker.io docker-compose" \
    "Fedora: sudo dnf install moby-engine docker-compose; macOS, Windows: Docker Desktop"
  use_engine || die "no container engine can be used by $(id -un) (see above)." \
    "Start it: sudo systemctl start docker, or Docker Desktop; let $(id -un) use it: sudo usermod -aG docker $(id -un), then log in again" \
    "Debian, Ubuntu, as root: ./docker-setup.sh --install"
  if [ -n "$install" ]; then scripts/ensure-compose.sh >/dev/null; fi
  OPENCLAW_COMPOSE=$(scripts/compose.sh --which) || die "there is no Compose: neither 'docker compose' nor 'docker-compose'." \
    "Debian, Ubuntu: sudo ./docker-setup.sh --install, or: sudo scripts/ensure-compose.sh" \
    "macOS: brew install docker-compose, or Docker Desktop, which has it"
  export OPENCLAW_COMPOSE
  compose_version=$(scripts/compose.sh version --short 2>/dev/null | head -n 1)
  case ${compose_version#v} in
  2* | [3-9].* | 1.29* | 1.[3-9][0-9]*) ;;
  *) die "Compose $compose_version is too old: 1.29 or newer is needed." "Debian, Ubuntu: sudo apt-get install --only-upgrade docker-compose" ;;
  esac
  say "engine $(docker version --format '{{.Server.Version}}'), $OPENCLAW_COMPOSE ${compose_version#v}"
}

# Where the docker command finds its engine: unix:///run/docker.sock, ssh://host, ...
engine_address() {
  if [ -n "${DOCKER_HOST:-}" ]; then printf '%s' "$DOCKER_HOST"; else docker context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null || true; fi
}

engine_is_local() { case $(engine_address) in '' | unix:*) ;; *) return 1 ;; esac }

# --- what is there already

check_state() {
  local database=$OPENCLAW_CONFIG_DIR/state/openclaw.sqlite
  if [ -e "$database" ] && [ ! -e "$OPENCLAW_CONFIG_DIR/gateway/adopted.json" ]; then
    die "another OpenClaw gateway keeps its state in $OPENCLAW_CONFIG_DIR ($database); nothing in it was touched." \
      "Give this one a folder of its own: OPENCLAW_CONFIG_DIR=\$HOME/.openclaw-sandboxes ./docker-setup.sh"
  fi
}

# Where users are numbered alike on the host and in containers, what the containers write to must belong to theirs.
users_are_shared() {
  [ "$(uname -s)" = Linux ] && engine_is_local || return 1
  case $(docker info --format '{{.SecurityOptions}}' 2>/dev/null) in *rootless*) return 1 ;; esac
}

# Whom the containers run as, so that the state folder is theirs: its owner; where there is none yet, whoever sets it up. Root stays out of
# containers, and an engine that has users of its own takes the image's.
choose_user() {
  local owner=$image_uid:$image_uid there=''
  [ -z "$OPENCLAW_UID" ] || return 0
  if [ -n "$users_shared" ]; then
    [ ! -e "$OPENCLAW_CONFIG_DIR" ] || there=$(owner_of "$OPENCLAW_CONFIG_DIR")
    if [ "$(id -u)" != 0 ]; then
      [ "${there%:*}" = "$image_uid" ] || owner=$(id -u):$(id -g)
    elif [ -n "$there" ] && [ "${there%:*}" != 0 ]; then
      owner=$there
    fi
  fi
  OPENCLAW_UID=${owner%:*} OPENCLAW_GID=${owner#*:}
  # Root's group stays out of containers too.
  [ "$OPENCLAW_GID" != 0 ] || OPENCLAW_GID=$OPENCLAW_UID
}

check_folders() {
  local folder owner
  for folder in "$OPENCLAW_CONFIG_DIR" "$OPENCLAW_WORKSPACE_DIR"; do
    case $users_shared:$(id -u) in
    1:0)
      make_folder "$folder"
      give_to_user "$folder"
      ;;
    :* | "1:$OPENCLAW_UID") make_folder "$folder" ;;
    esac
    # One that another user doesn't have is made by the engine and given to the right one by the controller's entry point.
    if [ -z "$users_shared" ] || [ ! -e "$folder" ]; then continue; fi
    owner=$(owner_of "$folder")
    [ "${owner%:*}" = "$OPENCLAW_UID" ] || die "$folder belongs to uid ${owner%:*}, and the containers run as uid $OPENCLAW_UID." \
      "sudo chown -R $OPENCLAW_UID:$OPENCLAW_GID '$folder/', then run this again"
  done
}

make_folder() {
  if (umask 077 && mkdir -p "$1") 2>/dev/null && [ -w "$1" ]; then return; fi
  die "$1 can't be made or written to." "Is it on a read-only file system? Choose another: OPENCLAW_CONFIG_DIR=/path ./docker-setup.sh"
}

# Only what belongs to root, and what people and setup put there: sandboxes' own files keep their owners.
give_to_user() {
  local path
  for path in "$1" "$1"/openclaw.json "$1"/workspace "$1"/workspace-* "$1"/agents "$1"/gateway "$1"/requests; do
    if [ ! -e "$path" ] || { [ -L "$path" ] && [ "$path" != "$1" ]; }; then continue; fi
    case $(owner_of "$path") in 0:*) chown "$OPENCLAW_UID:$OPENCLAW_GID" "$path" ;; esac
  done
}

# Compose tells projects apart by their names alone: what another checkout runs under this one's would be replaced, or taken away.
check_project() {
  local folders folder
  project=$(printf '%s' "${COMPOSE_PROJECT_NAME:-$(basename "$PWD")}" | tr '[:upper:]' '[:lower:]' | tr -cd 'a-z0-9_-')
  folders=$(docker ps --all --filter "label=com.docker.compose.project=$project" --format '{{.Label "com.docker.compose.project.working_dir"}}') || return 0
  while IFS= read -r folder; do
    # One that is gone was this checkout's before it was moved.
    { [ -d "$folder" ] && [ "$(cd -P "$folder" && pwd)" != "$PWD" ]; } || continue
    die "the Compose project '$project' is that of another checkout, $folder." \
      "Give this one its own: COMPOSE_PROJECT_NAME=$project-2 OPENCLAW_CONFIG_DIR=\$HOME/.openclaw-2 OPENCLAW_GATEWAY_PORT=18790 OPENCLAW_METRICS_PORT=9465 ./docker-setup.sh"
  done <<<"$folders"
}

check_ports() {
  engine_is_local || return 0
  check_port_free OPENCLAW_GATEWAY_PORT "the gateway"
  check_port_free OPENCLAW_METRICS_PORT "the controller's metrics"
}

# Nobody listens there, or a container of this checkout does.
check_port_free() {
  local port=${!1} holder
  (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || return 0
  [ -z "$(docker ps --quiet --filter "publish=$port" --filter "label=com.docker.compose.project=$project")" ] || return 0
  holder=$(docker ps --filter "publish=$port" --format '{{.Names}}' | head -n 1)
  die "port $port, for $2, is taken by ${holder:+the container }${holder:-another program}." "End that, or take another port: $1=$((port + 1)) ./docker-setup.sh"
}

# --- images, config, start

# A config that lists what sandboxes may reach needs the proxy's image; the first config has no list.
needs_egress() { grep -qs '\begress\b' "$OPENCLAW_CONFIG_DIR/openclaw.json"; }

build_images() {
  local image
  if [ -z "$offline" ]; then
    if scripts/openclaw-image.sh && scripts/sandbox-setup.sh && { ! needs_egress || scripts/sandbox-egress-setup.sh; }; then return; fi
    docker image inspect "$OPENCLAW_IMAGE" "$sandbox_image" >/dev/null 2>&1 && say "note: both images of an earlier time are there: --offline goes on with them"
    exit 1
  fi
  for image in "$OPENCLAW_IMAGE" "$sandbox_image"; do
    docker image inspect "$image" >/dev/null 2>&1 || die "--offline, and the image $image is not on this engine." \
      "Where there is a network: docker save $image | gzip >image.tar.gz; here: docker load <image.tar.gz; or leave --offline out"
  done
}

cli() { scripts/compose.sh run --rm --no-deps "$@"; }

onboard() {
  if [ -e "$OPENCLAW_CONFIG_DIR/openclaw.json" ]; then
    say "the config $OPENCLAW_CONFIG_DIR/openclaw.json is kept; to change it: $OPENCLAW_COMPOSE run --rm openclaw-cli onboard"
    return
  fi
  # The controller's entry point makes what is missing in the state folder and gives it to the containers' user.
  step "preparing $OPENCLAW_CONFIG_DIR" cli -T openclaw-controller sh -c : || die "$OPENCLAW_CONFIG_DIR can't be used by the engine (see above)." \
    "Is it shared with the engine (Docker Desktop: Settings, Resources, File sharing)? Or choose another: OPENCLAW_CONFIG_DIR=/path ./docker-setup.sh"
  if [ -n "$yes$unattended" ]; then
    step "writing a first config" cli -T openclaw-cli onboard --non-interactive --mode local || die "the first config could not be written (see above)."
  else
    cli openclaw-cli onboard || die "onboarding ended without a config." "Run ./docker-setup.sh again, or with --yes for a config of defaults."
  fi
}

start() {
  # Prometheus and Grafana read theirs as users of their own, whatever the umask of the checkout was.
  chmod -R go+rX manifests/monitoring 2>/dev/null || true
  step "starting the controller and the gateway" scripts/compose.sh up -d || die "the containers could not be started (see above)." \
    "If a port is taken: OPENCLAW_GATEWAY_PORT=18790 ./docker-setup.sh; if a path is not shared with the engine: share it in its settings."
  scripts/compose-ready.sh
}

tell() {
  local host=$OPENCLAW_GATEWAY_PUBLISH
  [ "$host" != 0.0.0.0 ] || host=127.0.0.1
  cat <<END

OpenClaw runs: http://$host:$OPENCLAW_GATEWAY_PORT/

Try next, in $PWD:
  $OPENCLAW_COMPOSE run --rm openclaw-cli sandbox list         # the sandboxes, and the state of each
  $OPENCLAW_COMPOSE run --rm openclaw-cli dashboard --no-open  # the address again, and how to log in
  . ~/.clawdock/clawdock-helpers.sh && clawdock-help        # short commands, from any folder

Sign in to a model provider (optional; docs/models.md):
  $OPENCLAW_COMPOSE run --rm openclaw-cli models auth login --provider openai             # OpenAI Codex, with a ChatGPT plan
  $OPENCLAW_COMPOSE run --rm openclaw-cli models auth paste-api-key --provider openai     # an OpenAI API key
  $OPENCLAW_COMPOSE run --rm openclaw-cli models auth paste-api-key --provider anthropic  # an Anthropic API key
  $OPENCLAW_COMPOSE run --rm openclaw-cli onboard                                         # asks; a server of your own too
With one: $OPENCLAW_COMPOSE run --rm openclaw-cli chat

Connect an agent: docs/mcp.md has one line for each. Channels (WhatsApp, Telegram, Discord): $OPENCLAW_COMPOSE run --rm openclaw-cli channels list

Open http://$host:$OPENCLAW_GATEWAY_PORT/ and paste the token: OPENCLAW_GATEWAY_TOKEN in $PWD/.env (programs send it as a header, never in an address).
The page then shows a code and the command that lets this browser in.
END
}

# --- the other way

uninstall() {
  local answer instance image builder
  if [ -z "$yes" ]; then
    [ -z "$unattended" ] || die "--uninstall asks first, and there is no terminal to ask for confirmation." "./docker-setup.sh --uninstall --yes"
    printf 'Remove the containers, all their sandboxes, their networks and %s? Config, workspaces and .env stay. [y/N] ' "$OPENCLAW_IMAGE"
    read -r answer
    case $answer in [yY] | [yY][eE][sS]) ;; *) die "nothing was removed." ;; esac
  fi
  instance=$(find_instance)
  COMPOSE_PROFILES=cli,monitoring step "removing the containers, their networks and volumes" scripts/compose.sh down --volumes --remove-orphans ||
    die "the containers could not be removed (see above)."
  if [ -n "$instance" ]; then
    remove_all "sandboxes" "rm --force" "$(sandboxes_of "$instance")"
    remove_all "networks of sandboxes" "network rm" "$(docker network ls --quiet --filter "label=openclaw.instance=$instance")"
  fi
  # By name: another name of the same image is somebody else's. And under the same name there may be what another checkout built since.
  for image in "$OPENCLAW_IMAGE" "$OPENCLAW_IMAGE-before-update"; do
    docker image inspect "$image" >/dev/null 2>&1 || continue
    builder=$(docker image inspect --format "{{index .Config.Labels \"$checkout_label\"}}" "$image" 2>/dev/null || true)
    if [ "$builder" != "$(checkout_id .)" ]; then
      say "note: the image $image stays: it was not built by this checkout. If nobody needs it: docker image rm $image"
      continue
    fi
    docker image rm "$image" >/dev/null || say "note: the image $image is still there (see above)"
  done
  say "removed. What is yours is still there: $OPENCLAW_CONFIG_DIR, $PWD/.env${OPENCLAW_HOME_VOLUME:+, the volume $OPENCLAW_HOME_VOLUME}"
}

# Which of the engine's sandboxes are this controller's: it says so itself, or, where it does not run, one of its containers does.
find_instance() {
  local instance=$OPENCLAW_INSTANCE ledger="$OPENCLAW_CONFIG_DIR/controller/ledger"
  [ -n "$instance" ] || instance=$(scripts/compose.sh exec -T openclaw-controller node dist/index.js status --json 2>/dev/null </dev/null |
    sed -n 's/^ *"instance": "\([^"]*\)".*/\1/p') || true
  if [ -z "$instance" ] && [ -d "$ledger" ]; then
    instance=$(sed -n 's/.*"containerId":"\([0-9a-f]*\)".*/\1/p' "$ledger"/*.json 2>/dev/null | while read -r container; do
      docker inspect --format '{{index .Config.Labels "openclaw.instance"}}' "$container" 2>/dev/null && break
    done) || true
  fi
  printf '%s' "$instance"
}

# sandboxes_of INSTANCE: ids of its sandboxes, and of what a check of the machine left. `docker commit` copies labels into what people make,
# so a label counts only if it names its container.
sandboxes_of() {
  local id name label probe
  docker ps --all --filter "label=openclaw.instance=$1" --format '{{.ID}}|{{.Names}}|{{.Label "openclaw.name"}}|{{.Label "openclaw.probe"}}' |
    while IFS='|' read -r id name label probe; do
      case $name:$probe in
      "$label": | "$label.pending": | *:1) printf '%s\n' "$id" ;;
      *) say "note: the container $name has a sandbox's labels and not its name; it stays" ;;
      esac
    done
}

# remove_all WHAT REMOVE IDS: by `docker REMOVE`.
remove_all() {
  [ -n "$3" ] || return 0
  # shellcheck disable=SC2086 # words and ids
  docker $2 $3 >/dev/null || say "note: not all $1 could be removed (see above)"
}

check_engine
read_settings
check_project
if [ -n "$uninstall" ]; then
  uninstall
  exit 0
fi
check_state
check_ports
check_files
users_shared=''
if users_are_shared; then users_shared=1; fi
choose_user
check_folders
build_images
write_settings
choose_token
onboard
start
scripts/shell-helpers/clawdock.sh install
tell
