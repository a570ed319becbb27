#!/usr/bin/env bash
# Whether a QR code renders in the image: the gateway's address, as `openclaw dashboard --qr` shows it to a phone. Builds the image if need be.
#   qr-docker.sh     OPENCLAW_IMAGE (default openclaw:local)
set -euo pipefail
cd "$(dirname "$0")/../.."

image=${OPENCLAW_IMAGE:-openclaw:local}
scripts/openclaw-image.sh
code=$(docker run --rm --network none --env OPENCLAW_DASHBOARD_URL=http://127.0.0.1:18789/ "$image" dashboard --no-open --qr)
printf '%s\n' "$code"
# A code of 25 modules with its border is 14 lines of half blocks; what they say is read back in test/onboard.test.ts.
lines=$(printf '%s\n' "$code" | grep -cE '^[█▀▄ ]{20,}$' || true)
[ "$lines" -ge 13 ] || {
  echo "qr-docker: no QR code was printed ($lines lines)" >&2
  exit 1
}
echo "qr-docker: a QR code of $lines lines was rendered in $image"
