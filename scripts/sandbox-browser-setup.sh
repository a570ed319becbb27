#!/usr/bin/env bash
# Builds openclaw-sandbox-browser:bookworm-slim, the image of the sandboxes' browsers, from Dockerfile.sandbox-browser: Chromium with the DevTools
# protocol, a virtual display and noVNC. Repeatable; under a second when nothing changed.
#   scripts/sandbox-browser-setup.sh [--force]        BASE_IMAGE=debian:bookworm-slim, APT_MIRROR
# It needs an engine that answers and the docker command.
set -euo pipefail
# shellcheck source=scripts/project.sh
. "$(dirname -- "$0")/project.sh"

# shellcheck source=scripts/image-arguments.sh
. scripts/image-arguments.sh
force_or_help "$@"

image=openclaw-sandbox-browser:bookworm-slim
scripts/build-image.sh "$image" images/sandbox-browser/Dockerfile "${BASE_IMAGE:-debian:bookworm-slim}" ${1:+"$1"}
