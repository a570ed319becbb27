#!/bin/sh
# Everything that can be said about the code without running it: types, lint with formatting and the import walls, dead code, shell scripts.
# It runs all of them even if one fails, and ends with what failed. It changes no file (`npx biome check --write` formats).
set -u
# shellcheck source=scripts/project.sh
. "$(dirname -- "$0")/project.sh"
sh scripts/prepare.sh --modules || exit 1
PATH=$PWD/node_modules/.bin:$PATH

failed=
check() {
  name=$1
  shift
  if "$@"; then echo "check: $name: ok"; else
    echo "check: $name: FAILED ($*)"
    failed="$failed $name"
  fi
}
check types tsc
check page-types tsc -p src/ui
check lint biome check --error-on-warnings --max-diagnostics=50
check dead-code knip
# The same without the tests: what only they need is named *.fixture.ts and is not built.
check shipped knip --production
if command -v shellcheck >/dev/null 2>&1; then
  check shell shellcheck -x docker-setup.sh scripts/*.sh scripts/*/*.sh bin/openclaw images/*/*.sh manifests/monitoring/*.sh .ci/run .ci/full
else
  echo "check: shell: not checked, shellcheck is not installed (apt-get install shellcheck)"
fi
[ -z "$failed" ] || {
  echo "check: failed:$failed" >&2
  exit 1
}
