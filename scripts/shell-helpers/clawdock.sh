#!/usr/bin/env bash
# What the clawdock-* commands do, each a function below; clawdock-helpers.sh is the way to them from any folder. Compose is asked by
# scripts/compose.sh alone, so that it is the same containers that docker-setup.sh made.
# shellcheck disable=SC2317 # each command is called by its name
set -euo pipefail
# shellcheck source=scripts/project.sh
. "$(dirname -- "$0")/../project.sh"
# shellcheck source=scripts/progress.sh
. scripts/progress.sh
# shellcheck source=scripts/use-engine.sh
. scripts/use-engine.sh
# shellcheck source=scripts/dotenv.sh
. scripts/dotenv.sh

compose() { scripts/compose.sh "$@"; }

# setting NAME DEFAULT: the environment's value, else .env's, else the default.
setting() {
  local value=${!1:-}
  [ -n "$value" ] || value=$(dotenv_get .env "$1")
  printf '%s' "${value:-$2}"
}

clawdock_start() { compose up -d "$@" && scripts/compose-ready.sh; }
clawdock_stop() { compose stop "$@"; }
# Made anew, so that what .env says now counts.
clawdock_restart() { clawdock_start --force-recreate "$@"; }

clawdock_status() {
  compose ps
  clawdock_cli status
}

clawdock_logs() { compose logs --follow --tail 100 "$@"; }
clawdock_shell() { compose exec openclaw-gateway bash "$@"; }

clawdock_cli() {
  if [ -t 0 ] && [ -t 1 ]; then compose run --rm openclaw-cli "$@"; else compose run --rm -T openclaw-cli "$@"; fi
}

# The gateway's container has the token in its environment, so that it is in no list of processes.
clawdock_health() { compose exec -T openclaw-gateway node dist/index.js health "$@"; }

clawdock_token() {
  local token
  token=$(setting OPENCLAW_GATEWAY_TOKEN '')
  [ -n "$token" ] || die "there is no token in $PWD/.env." "./docker-setup.sh makes one (unless the config asks for a password)"
  printf '%s\n' "$token"
}

clawdock_dashboard() { clawdock_cli dashboard --no-open "$@"; }
clawdock_devices() { clawdock_cli devices list "$@"; }

# Without a request: the newest one is shown, and nothing is approved.
clawdock_approve() { clawdock_cli devices approve "$@"; }

build() {
  OPENCLAW_IMAGE=$(setting OPENCLAW_IMAGE openclaw:local) OPENCLAW_DOCKER_APT_PACKAGES=$(setting OPENCLAW_DOCKER_APT_PACKAGES '') scripts/openclaw-image.sh
}

clawdock_rebuild() {
  build
  say "clawdock-start puts it into service"
}

clawdock_update() {
  local image kept revision=''
  image=$(setting OPENCLAW_IMAGE openclaw:local) kept=$image-before-update
  use_engine || exit 1
  docker image inspect "$image" >/dev/null 2>&1 || die "there is no image $image to update." "./docker-setup.sh"
  docker tag "$image" "$kept"
  if revision=$(git rev-parse HEAD 2>/dev/null); then
    [ -z "$(git status --porcelain --untracked-files=no)" ] || die "this checkout has changes of your own; nothing was updated." "See git -C $PWD status; commit or stash them first."
    step "fetching the newest version" git pull --ff-only || die "the newest version could not be fetched; nothing was changed." "See git -C $PWD status, and the lines above."
  fi
  if build && clawdock_start; then
    say "updated${revision:+ from $(git rev-parse --short "$revision") to $(git rev-parse --short HEAD)}; the image before is kept as $kept"
    return
  fi
  say "the new version is not healthy: going back to the one before"
  [ -z "$revision" ] || git reset --quiet --keep "$revision" || say "note: the checkout stays at the new version: git -C $PWD reset --keep $revision"
  docker tag "$kept" "$image"
  clawdock_start || die "the version before is not healthy either." "See the lines above, and clawdock-logs."
  die "the update failed and was taken back; the version before is in service."
}

clawdock_clean() { exec ./docker-setup.sh --uninstall "$@"; }
clawdock_checkout() { pwd; }
clawdock_config-dir() { setting OPENCLAW_CONFIG_DIR "$HOME/.openclaw"; }

clawdock_show-config() {
  echo "# $PWD/.env"
  LC_ALL=C sed -E 's/^([^A-Za-z_#]*(export[[:space:]]+)?[A-Za-z_]*(TOKEN|KEY|SECRET|PASSWORD)[A-Za-z_]*[[:blank:]]*[=:]).+/\1(set)/' .env 2>/dev/null || echo "# not there: ./docker-setup.sh writes it"
  echo "# $(clawdock_config-dir)/openclaw.json"
  clawdock_cli config show
}

# For docker-setup.sh. Another checkout that was installed first and is still there keeps the commands.
clawdock_install() {
  local folder=$HOME/.clawdock known=''
  [ ! -f "$folder/config" ] || known=$(sed -n 's/^CLAWDOCK_DIR="\(.*\)"$/\1/p' "$folder/config")
  if [ -n "$known" ] && [ "$known" != "$PWD" ] && [ -x "$known/docker-setup.sh" ]; then
    say "the clawdock commands stay with $known; for this checkout: CLAWDOCK_DIR=$PWD clawdock-status"
    return
  fi
  # Shells read what is in it: nobody else may write there.
  if ! (umask 077 && mkdir -p "$folder" && [ -w "$folder" ]) 2>/dev/null; then
    say "note: $folder can't be written to: source scripts/shell-helpers/clawdock-helpers.sh from this checkout instead"
    return
  fi
  printf 'CLAWDOCK_DIR="%s"\n' "$PWD" | replace_file "$folder/config"
  replace_file "$folder/clawdock-helpers.sh" <scripts/shell-helpers/clawdock-helpers.sh
}

clawdock_help() {
  cat <<'END'
clawdock-start            start gateway and controller, and wait until they are healthy
clawdock-stop             stop both; sandboxes stay as they are
clawdock-restart          make both anew with what .env says now
clawdock-status           containers, controller, gateway
clawdock-logs [SERVICE]   follow the logs
clawdock-shell            a shell in the gateway's container
clawdock-cli COMMAND      any command of openclaw: clawdock-cli sandbox list
clawdock-health           the gateway, as it sees itself
clawdock-token            print the gateway's token
clawdock-dashboard        a link that pairs a browser
clawdock-devices          devices: awaiting approval, and paired
clawdock-approve REQUEST  pair one; without REQUEST, show the newest
clawdock-update           newest version: build, start, and back again if it is not healthy
clawdock-rebuild          build the image
clawdock-clean            remove containers, sandboxes and image; asks first, and keeps config and workspaces
clawdock-cd               go to the checkout
clawdock-config           go to the folder of the config
clawdock-show-config      .env and the config, secrets masked
clawdock-help             this
END
}

# Read to its end before it begins: an update replaces this file.
main() {
  local command=${1:-help}
  shift || true
  declare -F "clawdock_$command" >/dev/null || die "there is no command '$command'." "clawdock-help"
  "clawdock_$command" "$@"
  exit
}
main "$@"
