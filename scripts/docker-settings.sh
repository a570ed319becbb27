# shellcheck shell=bash
# Sourced by docker-setup.sh, from the checkout's root, after progress.sh, dotenv.sh and extra-mounts.sh: which settings there are, what they may
# be, and where they are kept. It starts nothing; the one container it runs reads the config.

extra_file=docker-compose.extra.yml extra_text=''

# setting NAME DEFAULT [KEEP-EMPTY]: sets the variable from the environment, else .env, else the default. One that is set to nothing is not
# set, unless nothing means something.
setting() {
  if [ -n "${!1:-}" ] || { [ -n "${3:-}" ] && [ "${!1+set}" = set ]; }; then :; else
    printf -v "$1" '%s' "$(dotenv_get .env "$1")"
    [ -n "${!1}" ] || printf -v "$1" '%s' "$2"
  fi
  dotenv_allows "${!1}" || die "$1 has a quote, a backslash, a '\$' or a line break in it, which .env can't carry." "Choose another value."
  # What Compose reads must be what is written below, whatever the shell had.
  export "${1?}"
}

read_settings() {
  [ -n "${HOME:-}" ] || die "HOME is not set." "Set it to your home folder, then run this again."
  [ ! -e .env ] || { [ -f .env ] && [ -r .env ]; } || die "$PWD/.env can't be read by $(id -un)." "sudo chown $(id -un) '$PWD/.env', then run this again"
  setting OPENCLAW_CONFIG_DIR "$HOME/.openclaw"
  setting OPENCLAW_WORKSPACE_DIR "${OPENCLAW_CONFIG_DIR%/}/workspace"
  setting OPENCLAW_GATEWAY_PORT 18789
  setting OPENCLAW_GATEWAY_BIND lan
  setting OPENCLAW_GATEWAY_PUBLISH 127.0.0.1
  setting OPENCLAW_METRICS_PORT 9464
  setting OPENCLAW_IMAGE openclaw:local
  setting OPENCLAW_DOCKER_SOCKET "$(default_socket)"
  setting OPENCLAW_INSTANCE ''
  setting OPENCLAW_EGRESS_IMAGE ''
  setting OPENCLAW_UID ''
  setting OPENCLAW_GID "$OPENCLAW_UID"
  setting OPENCLAW_EXTRA_MOUNTS '' keep-empty
  setting OPENCLAW_HOME_VOLUME '' keep-empty
  setting OPENCLAW_DOCKER_APT_PACKAGES '' keep-empty
  [ -z "${COMPOSE_PROJECT_NAME:-}$(dotenv_get .env COMPOSE_PROJECT_NAME)" ] || setting COMPOSE_PROJECT_NAME ''
  check_folder OPENCLAW_CONFIG_DIR
  check_folder OPENCLAW_WORKSPACE_DIR
  check_user
  check_port OPENCLAW_GATEWAY_PORT
  check_port OPENCLAW_METRICS_PORT
  [ "$OPENCLAW_GATEWAY_BIND" != loopback ] || die "OPENCLAW_GATEWAY_BIND is loopback: inside a container nobody could reach the gateway." \
    "Leave it unset (lan): the port is published on $OPENCLAW_GATEWAY_PUBLISH alone, whatever it binds to in its container."
  case $OPENCLAW_DOCKER_APT_PACKAGES in *[!A-Za-z0-9.+:=~\ -]* | -* | *' -'*) die "OPENCLAW_DOCKER_APT_PACKAGES is '$OPENCLAW_DOCKER_APT_PACKAGES': names of packages are needed, with spaces between them." "For example: ffmpeg build-essential" ;; esac
}

# An engine in a virtual machine, whose socket is in the user's home, has its own at the usual place in there.
default_socket() {
  local address
  address=$(engine_address)
  case $(uname -s):$address in
  "Linux:unix://$HOME/"*) echo /var/run/docker.sock ;;
  Linux:unix:///*) printf '%s' "${address#unix://}" ;;
  *) echo /var/run/docker.sock ;;
  esac
}

check_folder() {
  local real
  case ${!1} in
  /*) ;;
  *) die "$1 is '${!1}': a whole path is needed, beginning with '/'." "$1=\$HOME/.openclaw ./docker-setup.sh" ;;
  esac
  case ${!1} in *:*) die "$1 is '${!1}', and Compose can't mount a path with a ':' in it." "Choose a folder without one." ;; esac
  real=$(physical_path "${!1}")
  if contains "$real" "$PWD"; then die "$1 is '${!1}', which contains this checkout." "Give the state a folder of its own: $1=\$HOME/.openclaw"; fi
  if contains "$real" "$(physical_path "$HOME")"; then die "$1 is '${!1}', which contains your home folder." "Give the state a folder of its own: $1=\$HOME/.openclaw"; fi
}

check_user() {
  [ -n "$OPENCLAW_UID$OPENCLAW_GID" ] || return 0
  if is_user_number "$OPENCLAW_UID" && is_user_number "$OPENCLAW_GID"; then return; fi
  die "OPENCLAW_UID is '$OPENCLAW_UID' and OPENCLAW_GID is '$OPENCLAW_GID': the numbers of a user who is not root are needed, 1 to 2147483647." \
    "Leave them unset, or: OPENCLAW_UID=\$(id -u NAME) OPENCLAW_GID=\$(id -g NAME) ./docker-setup.sh"
}

# Above 2147483647 an engine takes none, and 4294967296 would be 0 to the kernel: root.
is_user_number() {
  case $1 in '' | *[!0-9]* | 0* | ???????????*) return 1 ;; esac
  [ "$1" -le 2147483647 ]
}

check_port() {
  case ${!1} in *[!0-9]* | 0* | ??????*) ;; *) [ "${!1}" -gt 65535 ] || return 0 ;; esac
  die "$1 is '${!1}': a port is a number from 1 to 65535." "$1=18790 ./docker-setup.sh"
}

# What is only written after the images are there must not turn out to be impossible then.
check_files() {
  [ -z "$OPENCLAW_EXTRA_MOUNTS$OPENCLAW_HOME_VOLUME" ] ||
    extra_text=$(render_extra "$OPENCLAW_EXTRA_MOUNTS" "$OPENCLAW_HOME_VOLUME" "$OPENCLAW_CONFIG_DIR" "$OPENCLAW_DOCKER_SOCKET" "$(engine_data)")
  [ -w . ] || die "$PWD can't be written to, and .env belongs there." "Make it writable for $(id -un), or use a checkout elsewhere."
  [ ! -L .env ] || die "$PWD/.env is a symbolic link." "Put the file itself there, then run this again."
}

# Where the engine keeps images, containers and volumes; Podman names it otherwise. Nothing when it does not say, or is elsewhere.
engine_data() {
  engine_is_local || return 0
  docker info --format '{{.DockerRootDir}}' 2>/dev/null || docker info --format '{{.Store.GraphRoot}}' 2>/dev/null || true
}

# The config's token or password, else .env's token, else a new one. A token in the environment is somebody's choice.
choose_token() {
  local auth='' known
  known=$(dotenv_get .env OPENCLAW_GATEWAY_TOKEN)
  if [ -z "${OPENCLAW_GATEWAY_TOKEN:-}" ] && [ -e "$OPENCLAW_CONFIG_DIR/openclaw.json" ]; then
    auth=$(cli -T openclaw-cli config get gateway.auth --json 2>/dev/null </dev/null | tr -d '\r' || true)
    case $auth in *'"mode": "password"'*)
      say "the config asks for a password: no token is made"
      return
      ;;
    esac
    OPENCLAW_GATEWAY_TOKEN=$(printf '%s\n' "$auth" | sed -n 's/^ *"token": "\(.*\)",\{0,1\}$/\1/p')
  fi
  [ -n "${OPENCLAW_GATEWAY_TOKEN:-}" ] || OPENCLAW_GATEWAY_TOKEN=$known
  [ -n "$OPENCLAW_GATEWAY_TOKEN" ] || OPENCLAW_GATEWAY_TOKEN=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
  dotenv_allows "$OPENCLAW_GATEWAY_TOKEN" || die "the gateway's token has a quote, a backslash, a '\$' or a line break in it, which .env can't carry." "Choose another one."
  if [ -n "$known" ] && [ "$known" != "$OPENCLAW_GATEWAY_TOKEN" ]; then say "note: the token in .env is replaced by the one of the ${auth:+config}${auth:-environment}"; fi
  export OPENCLAW_GATEWAY_TOKEN
  dotenv_update .env "OPENCLAW_GATEWAY_TOKEN=$OPENCLAW_GATEWAY_TOKEN"
}

write_settings() {
  local name pairs=()
  write_extra
  for name in OPENCLAW_CONFIG_DIR OPENCLAW_WORKSPACE_DIR OPENCLAW_GATEWAY_PORT OPENCLAW_GATEWAY_BIND OPENCLAW_GATEWAY_PUBLISH \
    OPENCLAW_METRICS_PORT OPENCLAW_IMAGE OPENCLAW_DOCKER_SOCKET OPENCLAW_INSTANCE OPENCLAW_EGRESS_IMAGE OPENCLAW_EXTRA_MOUNTS OPENCLAW_HOME_VOLUME \
    OPENCLAW_DOCKER_APT_PACKAGES OPENCLAW_UID OPENCLAW_GID COMPOSE_PROJECT_NAME; do
    pairs+=("$name=${!name:-}")
  done
  # Messages of the containers name it, and which one the host has can't be seen in there.
  dotenv_update .env "${pairs[@]}" "OPENCLAW_COMPOSE=$OPENCLAW_COMPOSE" "COMPOSE_FILE=$(compose_files)"
}

write_extra() {
  if [ -z "$extra_text" ]; then
    rm -f "$extra_file"
    return
  fi
  printf '%s\n' "$extra_text" | replace_file "$extra_file"
  # Made here and not by Compose, so that no `down --volumes` takes it.
  [ -z "$OPENCLAW_HOME_VOLUME" ] || docker volume create "$OPENCLAW_HOME_VOLUME" >/dev/null
}

# The value of COMPOSE_FILE, so that a plain `docker compose` takes the extra file too; nothing where Compose's own default is right.
compose_files() {
  local files
  files=:$(dotenv_get .env COMPOSE_FILE):
  files=${files/:$extra_file:/:}
  files=${files#:} files=${files%:}
  if [ -e "$extra_file" ]; then
    [ -n "$files" ] || { files=docker-compose.yml && [ ! -e docker-compose.override.yml ] || files=docker-compose.yml:docker-compose.override.yml; }
    files=$files:$extra_file
  else
    case $files in docker-compose.yml | docker-compose.yml:docker-compose.override.yml) files='' ;; esac
  fi
  printf '%s' "$files"
}
