# shellcheck shell=bash
# Sourced after progress.sh, from the checkout's root: points the docker command at an engine that answers. It starts none.

# The docker command's own way to its engine comes first; sockets that it does not know (Podman, Colima, ...) come from find-engine.sh,
# which says on stderr what it tried when nothing answers.
use_engine() {
  with_deadline 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1 && return
  DOCKER_HOST=$(scripts/find-engine.sh) || return 1
  export DOCKER_HOST
}
