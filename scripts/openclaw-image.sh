#!/usr/bin/env bash
# Builds openclaw:local (gateway, controller and CLI), base image included where no registry can be reached. The engine's cache makes it
# a matter of seconds when nothing changed.
#   openclaw-image.sh     OPENCLAW_IMAGE, BASE_IMAGE, OPENCLAW_DOCKER_APT_PACKAGES, APT_MIRROR, NPM_REGISTRY, HTTP(S)_PROXY, NO_PROXY,
#                         NODE_EXTRA_CA_CERTS or SSL_CERT_FILE: for the build only, never in the image
set -euo pipefail
# shellcheck source=scripts/project.sh
. "$(dirname -- "$0")/project.sh"
# shellcheck source=scripts/progress.sh
. scripts/progress.sh
# shellcheck source=scripts/checkout-id.sh
. scripts/checkout-id.sh

tag=${OPENCLAW_IMAGE:-openclaw:local}
base=${BASE_IMAGE:-debian:bookworm-slim}
scripts/base-image.sh "$base"

arguments=(--force-rm --tag "$tag" --file Dockerfile --build-arg "BASE_IMAGE=$base" --label "$checkout_label=$(checkout_id .)")
# By name alone: the values stay out of the process list.
for name in OPENCLAW_DOCKER_APT_PACKAGES APT_MIRROR NPM_REGISTRY HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy; do
  [ -z "${!name:-}" ] || arguments+=(--build-arg "$name")
done
if revision=$(git rev-parse HEAD 2>/dev/null); then arguments+=(--build-arg "OPENCLAW_REVISION=$revision"); fi

# Two at once would be two images of the same sources, each under the tag for a moment, and the file below would be taken from the second.
if command -v flock >/dev/null 2>&1; then
  exec 9<Dockerfile
  flock 9
fi

# A file of the build's context: the one way that both of Docker's builders know; a stage that is thrown away takes it.
trap 'rm -f .build-ca.crt' EXIT
certificates=${NODE_EXTRA_CA_CERTS:-${SSL_CERT_FILE:-}}
[ -z "$certificates" ] || cp -f "$certificates" .build-ca.crt || die "the certificates in $certificates can't be read." \
  "NODE_EXTRA_CA_CERTS or SSL_CERT_FILE names that file: correct or unset it."

step "building $tag on $base (two minutes the first time, seconds later)" docker build "${arguments[@]}" . || die "$tag was not built." \
  "If a package could not be fetched: check that the network, and a proxy if there is one, works inside 'docker build'." \
  "If the engine has no space left: docker system df, docker builder prune."
say "$tag is ready: $(docker image inspect --format '{{.Id}} {{.Size}}' "$tag" | awk '{printf "%s, %.0f MB", substr($1, 8, 12), $2 / 1e6}')"
