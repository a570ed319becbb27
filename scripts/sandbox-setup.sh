#!/usr/bin/env bash
# Builds openclaw-sandbox:bookworm-slim, the image of the sandboxes, from Dockerfile.sandbox. Repeatable; under a second when nothing changed.
#   scripts/sandbox-setup.sh [--force]        BASE_IMAGE=debian:bookworm-slim, APT_MIRROR
# It needs an engine that answers and the docker command; it never installs or starts one (scripts/ensure-engine.sh does).
set -euo pipefail
# shellcheck source=scripts/project.sh
. "$(dirname -- "$0")/project.sh"

# shellcheck source=scripts/image-arguments.sh
. scripts/image-arguments.sh
force_or_help "$@"

exec scripts/build-image.sh openclaw-sandbox:bookworm-slim images/sandbox/Dockerfile "${BASE_IMAGE:-debian:bookworm-slim}" ${1:+"$1"}
