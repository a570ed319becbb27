#!/bin/sh
# What the container runs: a program by name (node, sh, bash, or a path) as it is, anything else as a command of openclaw. As root, as
# which Compose starts controller and CLI, it gives the state folder to OPENCLAW_UID and becomes that user, with the engine socket's group.
set -eu

case ${1:-} in
node | sh | bash | /*) ;;
*) set -- node /app/dist/index.js "$@" ;;
esac
state=${OPENCLAW_STATE_DIR:-/home/node/.openclaw}

# Folders that the engine has just made are root's until the controller, which starts at the same time, has handed them over.
waits_for_folder() { [ -d "$1" ] && [ ! -w "$1" ]; }

if [ "$(id -u)" != 0 ]; then
  tries=0
  while [ "${3:-}" = gateway ] && [ "$tries" -lt 50 ] && { waits_for_folder "$state/agents" || waits_for_folder "$state/gateway"; }; do
    tries=$((tries + 1))
    sleep 0.2
  done
  exec "$@"
fi

# Above 2147483647 an engine takes none, and 4294967296 would be 0 to the kernel.
is_user_number() {
  case $1 in '' | *[!0-9]* | 0* | ???????????*) return 1 ;; esac
  [ "$1" -le 2147483647 ]
}
uid=${OPENCLAW_UID:-1000} gid=${OPENCLAW_GID:-1000}
if ! is_user_number "$uid" || ! is_user_number "$gid"; then
  echo "openclaw: OPENCLAW_UID is '$uid' and OPENCLAW_GID '$gid': the numbers of a user who is not root are needed, 1 to 2147483647" >&2
  exit 1
fi

# An engine that finds a folder missing makes it as root's: those, and no others, change hands.
for folder in "$state" "$state/agents" "$state/controller" "$state/gateway" "$state/sandboxes" "$state/workspace" "$state/run" "$state/run/admin"; do
  mkdir -p "$folder"
  [ "$(stat -c %u "$folder")" != 0 ] || chown "$uid:$gid" "$folder"
done
groups=$gid
[ ! -S /var/run/docker.sock ] || groups=$gid,$(stat -c %g /var/run/docker.sock)
exec setpriv --reuid "$uid" --regid "$gid" --groups "$groups" --inh-caps=-all --bounding-set=-all --no-new-privs -- "$@"
