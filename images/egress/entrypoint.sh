#!/bin/sh
# openclaw-egress in its image: the proxy and its commands, or the relay beside one sandbox.
#   openclaw-egress relay ID      passes what connects to 127.0.0.1:3128 in this network namespace to the proxy's socket of that name
#   openclaw-egress --help        the rest
set -eu

CONNECTIONS_MAX=48        # one process of 1 MB each, below the 64 that the controller gives a relay
HALF_CLOSED_SECONDS_MAX=600
IDLE_SECONDS_MAX=3600
PULSE_SECONDS=5           # as src/egress/pulse.ts expects it

if [ "${1:-}" != relay ]; then exec /opt/openclaw-egress/node /opt/openclaw-egress/egress/main.js "$@"; fi

case ${2:-} in
'' | -* | *[!A-Za-z0-9-]*)
  echo "openclaw-egress: usage: openclaw-egress relay ID" >&2
  exit 2
  ;;
esac
# Asks the proxy for nothing, through its own listener, so that it knows that both work: soon at first, then ever so often. A shell that has all of it
# built in starts no process for that.
(PULSE_SECONDS=$PULSE_SECONDS bash -c '
  trap "" PIPE
  wait=1
  exec 9<> <(:)
  while :; do
    read -rt "$wait" -u 9
    [ $? -gt 128 ] || exit # nothing to wait by: it would never stop asking
    {
      printf "OPTIONS * HTTP/1.1\r\nHost: openclaw-egress\r\nConnection: close\r\n\r\n" >&3
      read -rt "$PULSE_SECONDS" -u 3 && wait=$PULSE_SECONDS
    } 3<>/dev/tcp/127.0.0.1/3128
  done' 2>/dev/null &)
exec socat -t "$HALF_CLOSED_SECONDS_MAX" -T "$IDLE_SECONDS_MAX" -b 65536 \
  "TCP4-LISTEN:3128,bind=127.0.0.1,reuseaddr,nodelay,backlog=128,fork,max-children=$CONNECTIONS_MAX" \
  "UNIX-CONNECT:/run/openclaw-egress/$2/proxy.sock"
