#!/usr/bin/env bash
# Runs Compose on this checkout, from any folder: the plugin of the docker command (v2), else docker-compose (1.29). Settings and the list of
# files stand in .env, which docker-setup.sh writes, so that a plain `docker compose` in the checkout means the same.
#   compose.sh up -d          compose.sh run --rm openclaw-cli status
#   compose.sh --which        prints "docker compose" or "docker-compose"; exit code 1 when there is neither
set -euo pipefail
# shellcheck source=scripts/project.sh
. "$(dirname -- "$0")/project.sh"
# Another project's, if the shell has it: this checkout's files are named in .env.
unset COMPOSE_FILE
# shellcheck source=scripts/progress.sh
. scripts/progress.sh
# shellcheck source=scripts/use-engine.sh
. scripts/use-engine.sh

which_compose() {
  if docker compose version >/dev/null 2>&1; then
    echo "docker compose"
  elif command -v docker-compose >/dev/null 2>&1; then
    echo "docker-compose"
  else
    return 1
  fi
}

if [ "${1:-}" = --which ]; then
  which_compose
  exit
fi
compose=$(which_compose) || die "there is no Compose: neither 'docker compose' nor 'docker-compose'." \
  "Debian, Ubuntu: sudo scripts/ensure-compose.sh; macOS: brew install docker-compose, or Docker Desktop, which has it"
use_engine || exit 1
# shellcheck disable=SC2086 # one word or two
exec $compose "$@"
