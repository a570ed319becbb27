# shellcheck shell=sh
# Sourced first by the other scripts, in bash and in sh: goes to the project's folder, above the script that runs, whatever the shell brought
# along. What is copied without it (prepare.sh, build-ui.sh, .ci/run) does the first two lines itself.

# With it `cd` may lead elsewhere, and prints where.
unset CDPATH
cd -P -- "$(dirname -- "$0")" || exit 1
until [ -f scripts/project.sh ]; do
  [ "$PWD" != / ] || {
    echo "$0: error: there is no checkout of the project above it. Run it by its path in the checkout." >&2
    exit 1
  }
  cd .. || exit 1
done

# Timers, units and containers may have none: it is what the system says of the user. Where that is nothing, what needs it says so.
if [ -z "${HOME:-}" ]; then
  user=$(id -un 2>/dev/null) || user=
  case $user in
  '' | *[!A-Za-z0-9._-]*) ;;
  *)
    HOME=$(eval "echo ~$user")
    case $HOME in
    /*) export HOME ;;
    *) unset HOME ;;
    esac
    ;;
  esac
fi
