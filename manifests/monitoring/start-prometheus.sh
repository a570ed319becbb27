#!/bin/sh
# Starts Prometheus with what it can't read from its environment: the gateway's token and port, written to /run/openclaw, its user's alone.
#   start-prometheus.sh PROMETHEUS-FLAG ...      OPENCLAW_GATEWAY_TOKEN=... OPENCLAW_GATEWAY_PORT=18789
set -eu
umask 077
printf '%s' "${OPENCLAW_GATEWAY_TOKEN:-}" >/run/openclaw/gateway-token
printf '[{"targets": ["openclaw-gateway:%s"]}]\n' "${OPENCLAW_GATEWAY_PORT:-18789}" >/run/openclaw/gateway.json
unset OPENCLAW_GATEWAY_TOKEN
exec prometheus "$@"
