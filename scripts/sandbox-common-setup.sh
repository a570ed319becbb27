#!/usr/bin/env bash
# Builds openclaw-sandbox-common:bookworm-slim: the sandboxes' image with C and C++, Go, Node.js, Python and Rust. Use it as docker.image.
#   scripts/sandbox-common-setup.sh [--force]        BASE_IMAGE=openclaw-sandbox:bookworm-slim, APT_MIRROR
# The sandbox image is built first where it is missing or old. It needs an engine that answers and the docker command.
set -euo pipefail
# shellcheck source=scripts/project.sh
. "$(dirname -- "$0")/project.sh"

# shellcheck source=scripts/image-arguments.sh
. scripts/image-arguments.sh
force_or_help "$@"

# BASE_IMAGE is this image's base, not that of the sandbox image below it.
base=${BASE_IMAGE:-openclaw-sandbox:bookworm-slim}
[ "$base" != openclaw-sandbox:bookworm-slim ] || env -u BASE_IMAGE scripts/sandbox-setup.sh

exec scripts/build-image.sh openclaw-sandbox-common:bookworm-slim images/sandbox-common/Dockerfile "$base" ${1:+"$1"}
