# shellcheck shell=bash
# Sourced by the scripts that build one image each. Their one argument is --force; --help shows the script's own head.

force_or_help() {
  local name
  name=$(basename "$0")
  case ${1:-} in
  "" | --force) ;;
  -h | --help)
    sed -n '2,/^[^#]/s/^# //p' "scripts/$name"
    exit 0
    ;;
  *)
    echo "${name%.sh}: unknown argument '$1'. Usage: scripts/$name [--force]" >&2
    exit 2
    ;;
  esac
  export OPENCLAW_SCRIPT_NAME=${name%.sh}
}
