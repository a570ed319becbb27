# shellcheck shell=bash
# Short commands for the containers, from any folder, in bash and zsh; clawdock-help lists them. docker-setup.sh installs this file as
# ~/.clawdock/clawdock-helpers.sh. It only finds the checkout: the work is done there, by scripts/shell-helpers/clawdock.sh.

_clawdock_file=${BASH_SOURCE[0]:-}
[ -z "${ZSH_VERSION:-}" ] || eval '_clawdock_file=${(%):-%x}'
_clawdock_folder=$(CDPATH='' cd -- "$(dirname -- "$_clawdock_file")" >/dev/null 2>&1 && pwd)

# Where the checkout is: CLAWDOCK_DIR, else what ~/.clawdock/config says, else where this file lies.
_clawdock_checkout() {
  local checkout=${CLAWDOCK_DIR:-}
  if [ -z "$checkout" ] && [ -r "$_clawdock_folder/config" ]; then
    checkout=$(sed -n 's/^CLAWDOCK_DIR="\(.*\)"$/\1/p' "$_clawdock_folder/config")
  fi
  [ -n "$checkout" ] || checkout=${_clawdock_folder%/scripts/shell-helpers}
  if [ ! -x "$checkout/scripts/shell-helpers/clawdock.sh" ]; then
    echo "clawdock: error: there is no checkout in $checkout. Run ./docker-setup.sh in yours again, or set CLAWDOCK_DIR to it." >&2
    return 1
  fi
  printf '%s\n' "$checkout"
}

_clawdock() {
  local checkout
  checkout=$(_clawdock_checkout) || return
  "$checkout/scripts/shell-helpers/clawdock.sh" "$@"
}

_clawdock_cd() {
  local folder
  folder=$(_clawdock "$1") || return
  cd -- "$folder" || return
}

clawdock-start() { _clawdock start "$@"; }
clawdock-stop() { _clawdock stop "$@"; }
clawdock-restart() { _clawdock restart "$@"; }
clawdock-status() { _clawdock status "$@"; }
clawdock-logs() { _clawdock logs "$@"; }
clawdock-shell() { _clawdock shell "$@"; }
clawdock-cli() { _clawdock cli "$@"; }
clawdock-health() { _clawdock health "$@"; }
clawdock-token() { _clawdock token "$@"; }
clawdock-dashboard() { _clawdock dashboard "$@"; }
clawdock-devices() { _clawdock devices "$@"; }
clawdock-approve() { _clawdock approve "$@"; }
clawdock-update() { _clawdock update "$@"; }
clawdock-rebuild() { _clawdock rebuild "$@"; }
clawdock-clean() { _clawdock clean "$@"; }
clawdock-cd() { _clawdock_cd checkout; }
clawdock-config() { _clawdock_cd config-dir; }
clawdock-show-config() { _clawdock show-config "$@"; }
clawdock-help() { _clawdock help "$@"; }
