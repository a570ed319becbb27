#!/bin/sh
# Builds the program (commands, controller, gateway) into dist/program, as bin/openclaw starts it. Says what it does; about 2 s.
#   build-program.sh [--if-needed]    with --if-needed: only where it is missing, or older than its sources; never an error
set -eu
unset CDPATH # with it `cd` may lead elsewhere, and prints where
cd "$(dirname "$0")/.."

say() { printf 'build-program: %s\n' "$*" >&2; }
output=dist/program/start.js
optional=
case ${1:-} in
--if-needed) optional=1 ;;
"") ;;
*)
  say "error: unknown argument '$1'. Usage: scripts/build-program.sh [--if-needed]"
  exit 2
  ;;
esac

# What is built is as old as the moment at which its sources were read. Where find knows no -cnewer, a date that was set back is not seen here; the
# program sees it, and goes on from the sources.
is_current() {
  [ -f "$output" ] || return 1
  # Packages may have lost what builds alone since.
  packages=
  [ ! -f node_modules/rolldown/package.json ] || packages=node_modules/.package-lock.json
  for newer in -newer -cnewer; do
    set -- src package.json scripts/build-program.ts ${packages:+"$packages"}
    [ -z "$(find "$@" ! -path 'src/ui/*' "$newer" "$output" 2>/dev/null | head -n 1)" ] || return 1
  done
}

# Without it the program runs from its sources.
give_up() {
  [ -n "$optional" ] || exit 1
  exit 0
}

build() {
  node=$PWD/node_modules/.bin/node
  [ -x "$node" ] || node=node
  if ! [ -f node_modules/rolldown/package.json ]; then
    say "running from the sources: what builds them is not installed (npm ci --include=dev)"
    give_up
  fi
  if ! mkdir -p dist/program 2>/dev/null || ! [ -w dist/program ]; then
    say "running from the sources: $PWD/dist/program can't be written (scripts/build-program.sh as its owner)"
    give_up
  fi
  say "building the program (once, about 2 s) ..."
  started=$(date +%s)
  if ! "$node" --disable-warning=ExperimentalWarning scripts/build-program.ts; then
    say "error: the program could not be built (see above); it runs from the sources"
    give_up
  fi
  say "  done in $(($(date +%s) - started)) s"
}

if [ -n "$optional" ] && is_current; then exit 0; fi
# Processes that start at once build it once.
if command -v flock >/dev/null 2>&1; then
  exec 9<package.json
  flock 9
  if [ -n "$optional" ] && is_current; then exit 0; fi
fi
build
