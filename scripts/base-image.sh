#!/usr/bin/env bash
# Makes a base image exist on the engine: the local one if there is one, else the registry's, else (debian:SUITE-slim only, as root on
# Debian or Ubuntu) one built from the package mirror that the host's own apt uses. It does not update an image that is there.
#   base-image.sh [IMAGE]     OPENCLAW_NO_PULL=1 skips the registry
set -euo pipefail
# shellcheck source=scripts/project.sh
. "$(dirname -- "$0")/project.sh"
# shellcheck source=scripts/progress.sh
. scripts/progress.sh

image=${1:-debian:bookworm-slim}
pull_seconds_max=300 # 30 MB on a slow line; a registry that cannot be reached fails long before

docker image inspect "$image" >/dev/null 2>&1 && exit 0

if [ -z "${OPENCLAW_NO_PULL:-}" ]; then
  if step "fetching $image from its registry" with_deadline "$pull_seconds_max" docker pull --quiet "$image"; then exit 0; fi
fi

case $image in
debian:*-slim) suite=${image#debian:} suite=${suite%-slim} ;;
*) die "$image is not on this engine and its registry did not deliver it." \
  "Fetch it where there is a network (docker pull $image; docker save $image | gzip >base.tar.gz)" \
  "and load it here (docker load <base.tar.gz), or set BASE_IMAGE to an image that is here: docker images" ;;
esac

by_hand="Fetch it where there is a network: docker pull $image; docker save $image >base.tar; here: docker load <base.tar"
command -v apt-get >/dev/null 2>&1 || die "$image is neither here nor in a registry that can be reached." "$by_hand"
[ "$(id -u)" = 0 ] || die "$image is neither here nor in a registry that can be reached; building it from Debian packages needs root." \
  "sudo scripts/base-image.sh $image" "$by_hand"

say "building $image from the packages of this machine's Debian mirror instead"
command -v mmdebstrap >/dev/null 2>&1 || install_packages mmdebstrap || die "mmdebstrap could not be installed." \
  "Check the machine's package sources (apt-get update), then run this again." "$by_hand"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -f "$keyring" ] || install_packages debian-archive-keyring || die "Debian's signing keys could not be installed." "$by_hand"

# 120 MB unpacked: in memory where there is room, which halves the time.
parent=${TMPDIR:-/tmp}
if [ -w /dev/shm ] && [ "$(df -k --output=avail /dev/shm | tail -n 1)" -gt 1000000 ]; then parent=/dev/shm; fi
work=$(mktemp -d "$parent/openclaw-base.XXXXXX")
trap 'rm -rf "$work"' EXIT

# The same mirrors as the host's, in whatever format they are written down.
# shellcheck disable=SC2016 # apt's variables, not the shell's
apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' | sort -u |
  awk -v suite="$suite" -v keyring="$keyring" '$2 == suite || $2 == suite "-updates" || $2 == suite "-security" {
    print "deb [signed-by=" keyring "] " $1 " " $2 " main" }' >"$work/sources.list"
grep -q " $suite main" "$work/sources.list" || die "this machine's package sources have no release \"$suite\"." \
  "SUITE=NAME builds another one." "$by_hand"
# A host that was told to accept a mirror's old Release files needs the same here.
relax=()
while IFS= read -r option; do relax+=("--aptopt=$option"); done < <(
  apt-config dump | sed -n -E 's/^(Acquire::Check-(Valid-Until|Date) "?false.*);$/\1/p'
)
without_docs=()
for path in man doc locale info lintian; do without_docs+=("--dpkgopt=path-exclude=/usr/share/$path/*"); done

bootstrap() {
  TMPDIR=$work mmdebstrap --mode=root --variant=minbase --dpkgopt=force-unsafe-io "${without_docs[@]}" ${relax[@]+"${relax[@]}"} \
    "$suite" "$work/base.tar" "$work/sources.list"
}
step "unpacking Debian $suite (about 15 s)" bootstrap || die "Debian $suite could not be put together from $(awk '{print $3}' "$work/sources.list" | sort -u | tr '\n' ' ')" "$by_hand"
step "importing it as $image" docker import --change 'CMD ["bash"]' --change 'LABEL ai.openclaw.image.built-by=base-image.sh' \
  "$work/base.tar" "$image" || die "the engine did not take the image." "Is there space? docker system df"
