# shellcheck shell=bash
# Sourced after progress.sh: turns OPENCLAW_EXTRA_MOUNTS and OPENCLAW_HOME_VOLUME into a Compose file for openclaw-gateway and openclaw-cli, or
# says which entry is wrong and why. It writes nothing, and it gives the gateway neither the engine nor the state folder nor the host's own folders:
# by the rules for binds of sandboxes (src/api/config/bind-source.ts; docker-setup.test.ts holds both against each other).

extra_host_folders='/etc /proc /sys /dev /root /boot /run /var/run /var/lib /var/spool
  /system /library /private/etc /private/var/run /private/var/lib /private/var/spool /private/var/root /private/var/db /var/db /var/root'
extra_credentials=' .ssh .aws .docker .gnupg .config .npm .cargo .netrc .kube .azure .npmrc .git-credentials .password-store '
extra_engine_folders=' .colima .orbstack .rd .lima '

# render_extra MOUNTS HOME_VOLUME STATE_DIR ENGINE_SOCKET [ENGINE_DATA]: the text of docker-compose.extra.yml; MOUNTS is SOURCE:TARGET[:ro|rw],...
render_extra() {
  local mounts=$1 home_volume=$2 service
  extra_state=$(physical_path "$3") extra_socket=$(physical_path "$4") extra_data=${5:+$(physical_path "$5")} extra_home=$(physical_path "$HOME") extra_volumes='' extra_targets=$'\n'
  if [ -n "$home_volume" ]; then
    case $home_volume in
    */*) die "OPENCLAW_HOME_VOLUME is '$home_volume': a volume's name is needed, not a folder." "For a folder: OPENCLAW_EXTRA_MOUNTS=$home_volume:/home/node/TARGET" ;;
    [!A-Za-z0-9]* | *[!A-Za-z0-9_.-]*) die "OPENCLAW_HOME_VOLUME is '$home_volume': letters, digits, '_', '.' and '-' make a volume's name." "For example openclaw_home." ;;
    esac
    extra_volumes="      - { type: volume, source: openclaw-home, target: /home/node }"$'\n'
  fi
  read_mounts "$mounts"
  printf '# Written by docker-setup.sh from OPENCLAW_EXTRA_MOUNTS and OPENCLAW_HOME_VOLUME: change those in .env and run it again.\n'
  printf 'services:\n'
  for service in openclaw-gateway openclaw-cli; do printf '  %s:\n    volumes:\n%s' "$service" "$extra_volumes"; done
  [ -z "$home_volume" ] || printf '\nvolumes:\n  openclaw-home:\n    external: true\n    name: "%s"\n' "$home_volume"
}

read_mounts() {
  local entry entries
  case $1 in *[[:cntrl:]]*) die "OPENCLAW_EXTRA_MOUNTS has a line break or another control character in it." "Write the mounts on one line, with commas between them." ;; esac
  IFS=, read -r -a entries <<<"$1"
  for entry in ${entries[@]+"${entries[@]}"}; do
    entry=${entry#"${entry%%[! ]*}"}
    entry=${entry%"${entry##*[! ]}"}
    read_mount "$entry"
  done
}

# mount_error ENTRY WHAT FIX
mount_error() { die "OPENCLAW_EXTRA_MOUNTS: '$1' $2." "$3"; }

read_mount() {
  local entry=$1 source target mode=rw read_only=''
  case $entry in
  '') die "OPENCLAW_EXTRA_MOUNTS has an empty entry: '$1' between two commas, or one too many at an end." "Write SOURCE:TARGET[:ro|rw],SOURCE:TARGET[:ro|rw]" ;;
  *\$*) mount_error "$entry" "has a '\$' in it" "Let your shell expand variables: double quotes instead of single ones around the value." ;;
  *[\'\"\\\`]*) mount_error "$entry" "has a quote or a backslash in it" "Rename the folder, or mount the one above it." ;;
  *:*) ;;
  *) mount_error "$entry" "has no target" "Write $entry:/home/node/TARGET, with :ro at the end where it is only to be read." ;;
  esac
  source=${entry%%:*} target=${entry#*:}
  case $target in *:*) mode=${target#*:} target=${target%%:*} ;; esac
  case $mode in
  ro) read_only=', read_only: true' ;;
  rw) ;;
  *) mount_error "$entry" "ends in ':$mode'" "Only :ro and :rw may follow SOURCE:TARGET, and neither path may have a ':' in it." ;;
  esac
  check_source "$entry" "$source" "$mode"
  check_target "$entry" "$target"
  extra_targets="$extra_targets$target"$'\n'
  extra_volumes="$extra_volumes      - { type: bind, source: \"$source\", target: \"$target\"$read_only }"$'\n'
}

check_source() {
  local entry=$1 source=$2
  case $source in
  /*) ;;
  '~'*) mount_error "$entry" "begins with '~', which only a shell expands, and only outside of quotes" "Write \$HOME instead, in double quotes." ;;
  *) mount_error "$entry" "has a relative source" "Write the whole path, beginning with '/'." ;;
  esac
  [ -e "$source" ] || mount_error "$entry" "names a source that is not there" "Create it first: mkdir -p '$source'"
  judge_source "$entry" "$(physical_path "$source")" "$3"
}

# judge_source ENTRY PATH MODE: whether PATH, without symbolic links, may be mounted.
judge_source() {
  local entry=$1 real=$2 mode=$3 folded
  folded=$(fold "$real")
  if contains "$real" "$extra_socket"; then
    mount_error "$entry" "would give the gateway the engine's socket, and with it this whole machine" "Mount only what is needed of it."
  fi
  if meets "$real" "$extra_state"; then
    mount_error "$entry" "is or contains (or lies in) the state folder $extra_state, which the gateway may not write to" "Mount another folder; the state folder's own parts are mounted already."
  fi
  if [ -n "$extra_data" ] && { meets "$real" "$extra_data" || lies_in "$real" "$extra_data"; }; then
    mount_error "$entry" "is, contains or lies in the engine's data ($extra_data), and with it every container of this machine" "Mount another folder."
  fi
  check_names "$entry" "$folded"
  # Folders of one's own home are fine wherever the home is, root's too.
  if [ "$extra_home" = / ] || [ "$real" = "$extra_home" ] || ! contains "$extra_home" "$real"; then
    check_host_folders "$entry" "$real" "$mode:$folded"
    if is_home "$folded" || contains "$real" "$extra_home"; then mount_error "$entry" "contains a home with its credentials" "Mount a folder inside it."; fi
  fi
}

# Some file systems ignore case.
fold() { printf '%s' "$1" | tr '[:upper:]' '[:lower:]'; }

# What is never mounted, wherever it lies.
check_names() {
  local entry=$1 folded=$2 names name
  case $folded in
  *.sock) mount_error "$entry" "is a socket, and an engine's gives this machine away" "Mount another file." ;;
  */.local | */.local/share | */.local/share/docker | */.local/share/docker/* | */.local/share/containers | */.local/share/containers/*)
    mount_error "$entry" "is, contains or lies in a folder in which an engine of this user keeps its data" "Mount another folder."
    ;;
  esac
  IFS=/ read -r -a names <<<"${folded#/}"
  for name in ${names[@]+"${names[@]}"}; do
    case $extra_credentials in *" $name "*) mount_error "$entry" "shows $name, which holds credentials" "Mount another folder." ;; esac
    case $extra_engine_folders in *" $name "*) mount_error "$entry" "shows $name, which holds an engine's socket" "Mount another folder." ;; esac
  done
}

# check_host_folders ENTRY PATH MODE:FOLDED
check_host_folders() {
  local entry=$1 real=$2 folded=${3#*:} folder
  # shellcheck disable=SC2086 # words
  for folder in $extra_host_folders; do
    if meets "$folded" "$folder" || lies_in "$real" "$folder"; then mount_error "$entry" "is, contains or lies in $folder, which belongs to the host" "Mount a folder of your own."; fi
  done
  case $3 in
  rw:/usr | rw:/usr/* | rw:/bin | rw:/bin/* | rw:/sbin | rw:/sbin/* | rw:/lib* | rw:/opt | rw:/opt/*)
    mount_error "$entry" "would let the gateway write to the host's programs" "Append :ro"
    ;;
  ??:/users/*/library | ??:/users/*/library/*) mount_error "$entry" "shows a home's Library, which holds credentials" "Mount another folder." ;;
  esac
}

is_home() {
  case $1 in
  /home/*/* | /users/*/* | /var/home/*/* | /export/home/*/* | /usr/home/*/*) return 1 ;;
  /home | /home/* | /users | /users/* | /var/home | /var/home/* | /export/home | /export/home/* | /usr/home | /usr/home/*) ;;
  *) return 1 ;;
  esac
}

meets() { contains "$1" "$2" || contains "$2" "$1"; }

# lies_in PATH FOLDER: whether PATH or a folder above it is FOLDER itself under another name, as another mount of it is.
lies_in() {
  local path=$1
  [ -e "$2" ] || return 1
  while [ -n "$path" ]; do
    if [ "$path" -ef "$2" ]; then return 0; fi
    path=${path%/*}
  done
  return 1
}

check_target() {
  local entry=$1 target=$2 reserved
  case $target in
  '') mount_error "$entry" "has no target" "Write SOURCE:/home/node/TARGET." ;;
  /*) ;;
  *) mount_error "$entry" "has a relative target" "Write where it appears in the container, beginning with '/', for example /home/node/$target." ;;
  esac
  case $target/ in *//* | */./* | */../*) mount_error "$entry" "has '.', '..' or '//' in its target, or a '/' at its end" "Write the target in its shortest form." ;; esac
  for reserved in /app /home/node/.openclaw /proc /sys /dev /tmp; do
    if contains "$target" "$reserved" || contains "$reserved" "$target"; then
      mount_error "$entry" "would hide or replace $reserved of the container" "Choose another target, for example /home/node/$(basename "$target")."
    fi
  done
  case $extra_targets in *$'\n'"$target"$'\n'*) mount_error "$entry" "has the same target as another entry" "Give each its own." ;; esac
}

# contains OUTER INNER: whether INNER is OUTER or lies in it; both are absolute.
contains() {
  local outer=${1%/} # in the pattern itself bash 5.2 takes an empty result for something else
  case $2/ in "$outer"/*) ;; *) return 1 ;; esac
}

# physical_path PATH: without symbolic links, as far as it exists.
physical_path() {
  local parent name
  if [ -d "$1" ]; then
    # A shell keeps two slashes at the beginning, which mean no more than one.
    name=$(cd -P "$1" && pwd)
    printf '/%s\n' "${name#"${name%%[!/]*}"}"
    return
  fi
  name=$(basename "$1")
  parent=$(dirname "$1")
  if [ -L "$1" ] && [ -e "$1" ]; then
    parent=$(readlink "$1")
    case $parent in /*) ;; *) parent=$(dirname "$1")/$parent ;; esac
    physical_path "$parent"
    return
  fi
  [ "$parent" = / ] || parent=$(physical_path "$parent")
  printf '%s/%s\n' "${parent%/}" "$name"
}
