#!/bin/sh
# Makes a checkout ready to test: node_modules (which bring Node 24), a container engine, the sandbox image. Says what it does; about a
# minute on a bare machine, 0.2 s when everything is there. `npm test`, `npm run check` and bin/openclaw begin with it.
#   prepare.sh [--modules]    with --modules: node_modules only
set -eu
unset CDPATH # with it `cd` may lead elsewhere, and prints where
cd "$(dirname "$0")/.."

say() { printf 'prepare: %s\n' "$*" >&2; }
installed=node_modules/.package-lock.json
checked=node_modules/.lock-checked

# shellcheck disable=SC3013 # -nt is in POSIX since 2024, and in every sh this may meet
modules_current() {
  [ -f "$installed" ] || return 1
  [ package-lock.json -nt "$installed" ] || return 0
  if [ -f "$checked" ] && ! [ package-lock.json -nt "$checked" ]; then return 0; fi
  # A newer date alone means little (git writes dates too): compare what is installed with what is asked for.
  node scripts/modules-current.mjs && : >"$checked"
}

# This may run inside `npm test`: npm then has put node_modules/.bin first on the PATH, and that node is about to be replaced under
# npm's feet. So the very npm and node that started us are used, and none of their settings that would leave packages out.
install_modules() {
  PATH=$(printf '%s' "$PATH" | awk -v RS=: -v ORS=: '!/node_modules\/\.bin\/?$/ && !/node-gyp-bin\/?$/' | sed 's/:*$//')
  unset NODE_ENV npm_config_omit npm_config_production npm_config_only npm_config_include npm_config_global npm_config_dry_run \
    npm_config_workspace npm_config_workspaces npm_config_prefix npm_config_local_prefix
  if [ -n "${npm_execpath:-}" ] && [ -n "${npm_node_execpath:-}" ] && [ -x "$npm_node_execpath" ] && [ -f "$npm_execpath" ]; then
    case $npm_node_execpath in
    "$PWD"/node_modules/*) npm ci "$@" ;;
    *) "$npm_node_execpath" "$npm_execpath" ci "$@" ;;
    esac
  else
    npm ci "$@"
  fi
}

if ! modules_current; then
  command -v npm >/dev/null 2>&1 || {
    say "error: npm is needed to install this project's packages, and there is none."
    echo "  Debian, Ubuntu: sudo apt-get install npm; macOS: brew install node; or any Node.js >= 20 with npm" >&2
    exit 1
  }
  # Two test runs started at once must not install over each other.
  if command -v flock >/dev/null 2>&1; then
    exec 9<package-lock.json
    flock 9
  fi
  if ! modules_current; then
    say "installing the packages of package-lock.json into node_modules (npm ci, about 20 s) ..."
    started=$(date +%s)
    (install_modules --include=dev --include=optional --no-audit --no-fund --no-progress --loglevel=error) >&2 9<&- || {
      say "error: npm ci failed (see above). Is the package registry reachable? A proxy that re-signs TLS needs NODE_EXTRA_CA_CERTS."
      exit 1
    }
    : >"$checked"
    say "  done in $(($(date +%s) - started)) s"
  fi
  if command -v flock >/dev/null 2>&1; then exec 9<&-; fi
fi

# npm 10 drops the link to the bundled Node when it drops the other platform's package, which has a program of the same name.
if ! [ -x node_modules/.bin/node ]; then
  for bundled in node_modules/node-linux-*/bin/node; do
    [ ! -x "$bundled" ] || ln -sf "../${bundled#node_modules/}" node_modules/.bin/node
  done
fi

node=$PWD/node_modules/.bin/node
[ -x "$node" ] || node=node # macOS and others: no bundled Node
major=$("$node" --version 2>/dev/null | sed -n 's/^v\([0-9]*\)\..*/\1/p')
if [ "${major:-0}" -lt 24 ]; then
  say "error: Node.js 24 or newer is needed, and $node is ${major:-not usable}."
  echo "  Linux (x64, arm64, glibc): npm ci brings it; elsewhere: install Node.js 24 (brew install node@24, nvm install 24)" >&2
  exit 1
fi

case ${1:-} in
--modules) exit 0 ;;
"") ;;
*)
  say "error: unknown argument '$1'. Usage: scripts/prepare.sh [--modules]"
  exit 2
  ;;
esac
scripts/ensure-engine.sh >/dev/null
scripts/sandbox-setup.sh
