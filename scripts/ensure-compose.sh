#!/usr/bin/env bash
# Makes "there is a Compose" true: as root on Debian or Ubuntu it installs what their package sources have; else it says what to do and exits 1.
# Debian 13 has Compose v2, Debian 12 docker-compose 1.29: either will do.
#   ensure-compose.sh         prints "docker compose" or "docker-compose"; 0.1 s when there is one
set -euo pipefail
# shellcheck source=scripts/project.sh
. "$(dirname -- "$0")/project.sh"
# shellcheck source=scripts/progress.sh
. scripts/progress.sh

scripts/compose.sh --which && exit 0

by_hand="Or the plugin alone, for one user: docker-compose of https://github.com/docker/compose/releases as ~/.docker/cli-plugins/docker-compose"
if [ "$(uname -s)" = Darwin ]; then die "there is no Compose." "Docker Desktop and OrbStack bring it; with Colima: brew install docker-compose" "$by_hand"; fi
command -v apt-get >/dev/null 2>&1 || die "there is no Compose, and this is neither Debian nor Ubuntu." "Fedora: sudo dnf install docker-compose; Arch: sudo pacman -S docker-compose" "$by_hand"
[ "$(id -u)" = 0 ] || die "there is no Compose, and only root can install it." "sudo scripts/ensure-compose.sh" "$by_hand"

refresh_packages || die "the package lists could not be fetched." "Check the machine's network and package sources: apt-get update" "$by_hand"
# Docker's own sources, Ubuntu, Debian: the first that is known here.
for package in docker-compose-plugin docker-compose-v2 docker-compose; do
  apt-cache show "$package" >/dev/null 2>&1 || continue
  install_packages "$package" || die "$package could not be installed." "Check the machine's package sources (apt-get update), then run this again." "$by_hand"
  scripts/compose.sh --which || die "$package is installed, and still there is no Compose." "See: docker compose version; docker-compose version" "$by_hand"
  exit 0
done
die "no package source of this machine has Compose." "$by_hand"
