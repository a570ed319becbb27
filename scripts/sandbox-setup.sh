#!/usr/bin/env bash
# Builds openclaw-sandbox:bookworm-slim, the image of the sandboxes, from Dockerfile.sandbox. Repeatable; under a second when nothing changed.
#   scripts/sandbox-setup.sh [--force]        BASE_IMAGE=debian:bookworm-slim
# It needs an engine that answers and the docker command; it never installs or starts one (scripts/ensure-engine.sh does).
set -euo pipefail
cd "$(dirname "$0")/.."

case ${1:-} in
"" | --force) ;;
-h | --help)
  sed -n '2,4s/^# //p' scripts/sandbox-setup.sh
  exit 0
  ;;
*)
  echo "sandbox-setup: unknown argument '$1'. Usage: scripts/sandbox-setup.sh [--force]" >&2
  exit 2
  ;;
esac

export OPENCLAW_SCRIPT_NAME=sandbox-setup
exec scripts/build-image.sh openclaw-sandbox:bookworm-slim images/sandbox/Dockerfile "${BASE_IMAGE:-debian:bookworm-slim}" ${1:+"$1"}
