#!/usr/bin/env bash
# Builds openclaw-sandbox-browser:bookworm-slim, the image of the sandboxes' browsers, from Dockerfile.sandbox-browser: Chromium with the DevTools
# protocol, a virtual display and noVNC. Repeatable; under a second when nothing changed.
#   scripts/sandbox-browser-setup.sh [--force]        BASE_IMAGE=debian:bookworm-slim
# It needs an engine that answers and the docker command.
set -euo pipefail
cd "$(dirname "$0")/.."

case ${1:-} in
"" | --force) ;;
-h | --help)
  sed -n '2,5s/^# //p' scripts/sandbox-browser-setup.sh
  exit 0
  ;;
*)
  echo "sandbox-browser-setup: unknown argument '$1'. Usage: scripts/sandbox-browser-setup.sh [--force]" >&2
  exit 2
  ;;
esac

export OPENCLAW_SCRIPT_NAME=sandbox-browser-setup
image=openclaw-sandbox-browser:bookworm-slim
scripts/build-image.sh "$image" images/sandbox-browser/Dockerfile "${BASE_IMAGE:-debian:bookworm-slim}" ${1:+"$1"}
echo "sandbox-browser-setup: the controller does not run it yet: agents.defaults.sandbox.browser.enabled has no effect" >&2
