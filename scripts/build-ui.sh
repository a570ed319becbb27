#!/bin/sh
# Builds the Control UI into dist/ui, which the gateway serves. Says what it does; about 5 s.
#   build-ui.sh [--if-needed]    with --if-needed: only where it is missing, or older than its sources; never an error
set -eu
unset CDPATH # with it `cd` may lead elsewhere, and prints where
cd "$(dirname "$0")/.."

say() { printf 'build-ui: %s\n' "$*" >&2; }
output=dist/ui
optional=
case ${1:-} in
--if-needed) optional=1 ;;
"") ;;
*)
  say "error: unknown argument '$1'. Usage: scripts/build-ui.sh [--if-needed]"
  exit 2
  ;;
esac

# Sources that were removed are not newer, but the folder that they were in is.
is_current() { [ -f "$output/index.html" ] && [ -z "$(find src/ui src/api vite.config.ts package-lock.json -newer "$output/index.html" 2>/dev/null | head -n 1)" ]; }

# The page is a convenience: whoever starts a gateway gets one without it rather than none.
give_up() {
  [ -n "$optional" ] || exit 1
  exit 0
}

build() {
  node=$PWD/node_modules/.bin/node
  [ -x "$node" ] || node=node
  if ! [ -f node_modules/vite/bin/vite.js ]; then
    say "the Control UI is not built: its tools are not installed (npm ci --include=dev, then npm run build:ui)"
    give_up
  fi
  if ! mkdir -p dist 2>/dev/null || ! [ -w dist ]; then
    say "the Control UI is not built: $PWD/dist can't be written (npm run build:ui as its owner)"
    give_up
  fi
  say "building the Control UI (once, about 5 s) ..."
  started=$(date +%s)
  # Beside the old one, so that a gateway that runs never serves half of it.
  fresh=$(mktemp -d dist/.ui.XXXXXX)
  # shellcheck disable=SC2064 # the folder's name as it is now
  trap "rm -rf '$fresh'" EXIT
  # Whoever starts it may be a test, for which React has another form.
  if ! NODE_ENV=production OPENCLAW_UI_OUTPUT=$PWD/$fresh "$node" node_modules/vite/bin/vite.js build --configLoader native --logLevel warn >&2; then
    say "error: the Control UI could not be built (see above); the gateway works without it"
    give_up
  fi
  chmod 0755 "$fresh"
  rm -rf "$output"
  mv "$fresh" "$output"
  say "  done in $(($(date +%s) - started)) s"
}

if [ -n "$optional" ] && is_current; then exit 0; fi
# Gateways that start at once build it once.
if command -v flock >/dev/null 2>&1; then
  exec 9<src/ui/index.html
  flock 9
  if [ -n "$optional" ] && is_current; then exit 0; fi
fi
build
