#!/usr/bin/env bash
# Makes prometheus and promtool available without installing a service: the distribution's package, unpacked into a cache folder.
#   ensure-prometheus.sh      prints the folder; its usr/bin holds both programs. 0.1 s when it is there, about 10 s from nothing
#   OPENCLAW_CACHE_DIR=~/.cache/openclaw-sandbox-controller
set -euo pipefail
# shellcheck source=scripts/project.sh
. "$(dirname -- "$0")/project.sh"
# shellcheck source=scripts/progress.sh
. scripts/progress.sh

cache=${OPENCLAW_CACHE_DIR:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/openclaw-sandbox-controller}
target=$cache/prometheus
if [ -x "$target/usr/bin/promtool" ] && [ -x "$target/usr/bin/prometheus" ]; then
  printf '%s\n' "$target"
  exit 0
fi
if ! command -v apt-get >/dev/null 2>&1 || ! command -v dpkg-deb >/dev/null 2>&1; then
  die "Prometheus is taken from Debian's or Ubuntu's packages, and this is neither." \
    "Install Prometheus and set PROMTOOL and PROMETHEUS to the two programs."
fi

mkdir -p "$cache"
work=$(mktemp -d "$cache/prometheus.XXXXXX")
trap 'rm -rf "$work"' EXIT
# apt's downloader runs as another user, who must be able to write here.
chmod 755 "$work"
mkdir "$work/root"
# As root, files owned by root are written by apt itself.
download() { (cd "$work" && apt-get -o APT::Sandbox::User=root download prometheus); }
fetch() { step "fetching Prometheus (25 MB)" download; }
# Lists that are missing, or older than the mirror and naming a version that is gone: refreshing them is root's right.
refresh_and_fetch() {
  [ "$(id -u)" = 0 ] || return 1
  step "refreshing the package lists" apt-get update && fetch
}
known() { LC_ALL=C apt-cache policy prometheus 2>/dev/null | grep "Candidate: [0-9]" >/dev/null; }
if ! known || ! fetch; then
  refresh_and_fetch || die "the package 'prometheus' could not be fetched." \
    "Check the machine's package sources and its network: sudo apt-get update; apt-get download prometheus"
fi
step "unpacking it" dpkg-deb -x "$work"/prometheus_*.deb "$work/root" || die "the package is broken." "Is there space in $cache? df -h $cache"
"$work/root/usr/bin/promtool" --version >/dev/null 2>&1 || die "promtool does not run on this machine."
rm -rf "$target"
mv "$work/root" "$target"
printf '%s\n' "$target"
