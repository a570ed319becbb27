#!/bin/sh
# openclaw-egress in its image: the proxy and its commands, or the relay beside one sandbox.
#   openclaw-egress relay ID      passes what connects to 127.0.0.1:3128 in this network namespace to the proxy's socket of that name
#   openclaw-egress --help        the rest
set -eu

CONNECTIONS_MAX=48        # one process of 1 MB each, below the 64 that the controller gives a relay
HALF_CLOSED_SECONDS_MAX=600
IDLE_SECONDS_MAX=3600

if [ "${1:-}" != relay ]; then exec /opt/openclaw-egress/node /opt/openclaw-egress/egress/main.js "$@"; fi

case ${2:-} in
'' | -* | *[!A-Za-z0-9-]*)
  echo "openclaw-egress: usage: openclaw-egress relay ID" >&2
  exit 2
  ;;
esac
exec socat -t "$HALF_CLOSED_SECONDS_MAX" -T "$IDLE_SECONDS_MAX" -b 65536 \
  "TCP4-LISTEN:3128,bind=127.0.0.1,reuseaddr,nodelay,backlog=128,fork,max-children=$CONNECTIONS_MAX" \
  "UNIX-CONNECT:/run/openclaw-egress/$2/proxy.sock"
