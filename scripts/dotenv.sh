# shellcheck shell=bash
# Sourced after progress.sh: reads and changes .env files as both versions of Compose read them. It knows no setting by name.

# dotenv_value LINE NAME: sets dotenv_written to what LINE has behind NAME, quotes and all; 1 where it is not about NAME. As Compose: blanks around the
# name, `export`, `=` or `:`, and in front of a file's first line the mark that Windows' editors put there.
dotenv_value() {
  local line=${1#$'\xef\xbb\xbf'} form="^[[:space:]]*(export[[:space:]]+)?$2[[:blank:]]*[=:](.*)\$"
  [[ $line =~ $form ]] || return 1
  dotenv_written=${BASH_REMATCH[2]}
}

# dotenv_expand FILE TEXT DEPTH: `$NAME`, `${NAME}`, `${NAME:-ELSE}` and `${NAME-ELSE}` as Compose expands them: the environment's value, else what
# FILE says. What else begins with `$` stays, and is refused by dotenv_allows where it matters.
dotenv_expand() {
  # shellcheck disable=SC2016 # a pattern
  local form='^([^$]*)\$(\{([A-Za-z_][A-Za-z0-9_]*)(:?-([^}]*))?\}|([A-Za-z_][A-Za-z0-9_]*))(.*)$'
  local rest=$2 done='' name value otherwise operator
  while [ "$3" -lt 5 ] && [[ $rest =~ $form ]]; do
    done=$done${BASH_REMATCH[1]} name=${BASH_REMATCH[3]}${BASH_REMATCH[6]} operator=${BASH_REMATCH[4]} otherwise=${BASH_REMATCH[5]} rest=${BASH_REMATCH[7]}
    case $(declare -p "$name" 2>/dev/null) in
    'declare -'*x*' '*)
      value=${!name}
      case $operator in :-*) [ -n "$value" ] || value=$otherwise ;; esac
      ;;
    *)
      value=$(dotenv_get "$1" "$name" $(($3 + 1)))
      [ -n "$value" ] || value=$otherwise
      ;;
    esac
    done=$done$value
  done
  printf '%s' "$done$rest"
}

# dotenv_get FILE NAME: the value, quotes removed and other variables put in, unless it stands in single quotes; the last line with that name counts, as
# for Compose. Nothing when there is none.
dotenv_get() {
  local line value='' dotenv_written literal=''
  [ -f "$1" ] || return 0
  while IFS= read -r line || [ -n "$line" ]; do
    dotenv_value "$line" "$2" || continue
    literal=''
    value=${dotenv_written#"${dotenv_written%%[![:space:]]*}"}
    case $value in
    \'*\'*) literal=1 value=${value#\'} value=${value%%\'*} ;;
    \"*\"*) value=${value#\"} value=${value%%\"*} ;;
    '#'*) value='' ;;
    *)
      # A comment begins after a blank; blanks, and Windows' line ends, at the end are none of the value.
      value=${value%%[[:blank:]]#*}
      value=${value%"${value##*[![:space:]]}"}
      ;;
    esac
  done <"$1"
  if [ -n "$literal" ]; then printf '%s' "$value"; else dotenv_expand "$1" "$value" "${3:-0}"; fi
}

# dotenv_allows VALUE: whether both versions of Compose read back what was written. They disagree on quotes, backslashes and `$`.
dotenv_allows() {
  case $1 in *[\'\"\\\$\`]* | *[[:cntrl:]]*) return 1 ;; esac
}

dotenv_line() {
  case $2 in
  *[!A-Za-z0-9_./:@%+,=-]*) printf "%s='%s'\n" "$1" "$2" ;;
  *) printf '%s=%s\n' "$1" "$2" ;;
  esac
}

# dotenv_update FILE NAME=VALUE...: sets each, at its place or at the end; an empty value removes the line. Other lines stay as they are.
dotenv_update() {
  local file=$1 text
  shift
  # Rendered to its end before anything is written, with a mark that keeps empty lines at the end.
  text=$(dotenv_render "$file" "$@" && echo .) || die "$file could not be read." "Make it readable for $(id -un)."
  printf '%s' "${text%.}" | replace_file "$file"
}

dotenv_render() {
  local file=$1 line pair name written=' ' dotenv_written
  shift
  if [ -f "$file" ]; then
    while IFS= read -r line || [ -n "$line" ]; do
      for pair in "$@"; do
        name=${pair%%=*}
        dotenv_value "$line" "$name" || continue
        case $written in *" $name "*) ;; *) [ -z "${pair#*=}" ] || dotenv_line "$name" "${pair#*=}" ;; esac
        written="$written$name "
        continue 2
      done
      printf '%s\n' "$line"
    done <"$file"
  fi
  for pair in "$@"; do
    name=${pair%%=*}
    case $written in *" $name "*) continue ;; esac
    [ -z "${pair#*=}" ] || dotenv_line "$name" "${pair#*=}"
  done
}

# owner_of PATH: uid:gid of what it is in the end.
# shellcheck disable=SC2012 # stat's options differ between systems
owner_of() { ls -ldnL "$1" | awk '{ print $3 ":" $4 }'; }

# replace_file FILE: stdin becomes the file, whole or not at all, for its owner's eyes only. The same content leaves it untouched. What root
# writes stays the file's owner's, or is the folder's: a run with sudo must not shut its user out.
replace_file() {
  local next like=$1
  [ ! -L "$1" ] || die "$1 is a symbolic link." "Put the file itself there, then run this again."
  next=$(umask 077 && mktemp "$1.XXXXXX" 2>/dev/null) || die "$(cd "$(dirname "$1")" && pwd) can't be written to." "Make it writable for $(id -un)."
  cat >"$next" || {
    rm -f "$next"
    die "$1 could not be written." "Is the disk full? df ."
  }
  [ -e "$like" ] || like=$(dirname "$1")
  [ "$(id -u)" != 0 ] || chown "$(owner_of "$like")" "$next" 2>/dev/null || true
  if cmp -s "$next" "$1"; then
    rm -f "$next"
    chmod 600 "$1"
  else
    mv -f "$next" "$1"
  fi
}
