#!/usr/bin/env bash
# Builds one of the project's images from its Dockerfile, unless it is there and the Dockerfile has not changed since.
#   build-image.sh TAG DOCKERFILE BASE_IMAGE [--force]
# The files of the Dockerfile's folder are its build context, under their paths from the checkout, and those in the folder OPENCLAW_IMAGE_FILES,
# where that is set. A label of the image is the SHA-256 of all of these files, its base's name and, where the base is one of the project's, of
# that label there.
# It does not start an engine: ensure-engine.sh does.
set -euo pipefail
# shellcheck source=scripts/project.sh
. "$(dirname -- "$0")/project.sh"
# shellcheck source=scripts/progress.sh
. scripts/progress.sh
# shellcheck source=scripts/use-engine.sh
. scripts/use-engine.sh
[ -z "${OPENCLAW_SCRIPT_NAME:-}" ] || progress_name=$OPENCLAW_SCRIPT_NAME

tag=$1 dockerfile=$2 base=$3 force=${4:-}
label=ai.openclaw.image.source-sha256

sha256() { if command -v sha256sum >/dev/null 2>&1; then sha256sum; else shasum -a 256; fi | cut -d ' ' -f 1; }

command -v docker >/dev/null 2>&1 || die "the 'docker' command is needed to build $tag, and there is none." \
  "Debian, Ubuntu: sudo apt-get install docker.io (older than Debian 13) or docker-cli" \
  "macOS: brew install docker, or install Docker Desktop" \
  "With Podman alone: sudo apt-get install podman-docker" \
  "Or build by hand: podman build -t $tag -f $dockerfile ."

use_engine || die "there is no engine to build $tag with." \
  "Start Docker Desktop, Colima or 'sudo systemctl start docker'; on a bare Debian or Ubuntu: sudo scripts/ensure-engine.sh"

label_of() { docker image inspect --format "{{index .Config.Labels \"$label\"}}" "$1" 2>/dev/null || true; }
context=$(dirname "$dockerfile")
files=${OPENCLAW_IMAGE_FILES:-}
# Their names and contents, in an order that is the same everywhere.
hash_files() { [ -z "$files" ] || (cd "$files" && find . -type f -print | LC_ALL=C sort | while IFS= read -r file; do echo "$file"; cat "$file"; done); }
source_hash=$( (printf '%s\n' "$base"; label_of "$base" | sed '/^$/d'; cat "$context"/*; hash_files) | sha256)
if [ "$force" != --force ]; then
  built_hash=$(label_of "$tag")
  if [ "$built_hash" = "$source_hash" ]; then
    say "$tag is there, built from this $dockerfile (--force builds it again)"
    exit 0
  fi
  [ -z "$built_hash" ] || say "$tag was built from another $dockerfile: building it again"
fi

scripts/base-image.sh "$base"

set -- --force-rm --tag "$tag" --build-arg "BASE_IMAGE=$base" --label "$label=$source_hash"
[ "$force" != --force ] || set -- "$@" --no-cache
# By name alone: the values stay out of the process list.
for name in APT_MIRROR HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy; do
  [ -z "${!name:-}" ] || set -- "$@" --build-arg "$name"
done
# The context comes through stdin, so a big checkout costs nothing.
build() { tar -c "$context" ${files:+-C "$files" .} | docker build "$@" --file "$dockerfile" -; }
step "building $tag on $base (half a minute to two minutes, most of it the package mirror)" build "$@" || die "$tag was not built." \
  "If a package could not be fetched: check that the network, and a proxy if there is one, works inside 'docker build'." \
  "If the engine has no space left: docker system df, docker builder prune." \
  "Then run this again."
say "$tag is ready: $(docker image inspect --format '{{.Id}} {{.Size}}' "$tag" | awk '{printf "%s, %.0f MB", substr($1, 8, 12), $2 / 1e6}')"
