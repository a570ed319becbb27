// The shell scripts through which tools read and change files inside a sandbox: constant text for any POSIX shell (dash, bash, BusyBox), with
// cat, chmod, head, ls, mkdir, mv, rm, rmdir, stat, tail, wc, one of the checksum tools, and readlink where links are met. Paths reach them as arguments, never as part of a script.
// Both sides know them: the controller lets file tools run nothing else, and with no other arguments than file-arguments.ts says.
import { PRIVATE_HOME } from "./config/private-home.ts";
import { areArrangeArguments, areCommitArguments, areListArguments, areReadArguments } from "./file-arguments.ts";
import type { CommandRequest, SandboxTool } from "./wire.ts";

/** Exit codes of all of them. COMMIT has said on stdout which change it was about. */
export const FILE_EXIT = {
  notFound: 3,
  folder: 4,
  special: 5,
  denied: 6,
  changed: 7,
  exists: 8,
  tooLarge: 9,
  notWritten: 10,
  linkBroken: 11,
  incomplete: 12,
  badArgument: 13,
  notFolder: 14,
  notEmpty: 15,
  mounted: 16,
} as const;

/** One file, read or written whole; all files of one change together. */
export const FILE_BYTES_MAX = 67_108_864;

/**
 * `set -f`: no name is ever a pattern. The system's folders come first: a `docker.env.PATH` may begin with one that an agent can write to, and
 * may leave them out. Arguments are checked before they are used: in bash and mksh arithmetic runs what stands in a subscript.
 */
const FUNCTIONS = `
set -f
PATH=/usr/local/bin:/usr/bin:/bin\${PATH:+:$PATH}; export PATH
refuse() { exit ${FILE_EXIT.badArgument}; }
check_count() {
  for count in "$@"; do
    case $count in 0) continue ;; '' | 0* | *[!0123456789]* | ?????????????????*) refuse ;; esac
  done
}
check_path() {
  # Never an option of any program.
  case $1 in */ ) refuse ;; /* | ./*) ;; *) refuse ;; esac
}
resolve() {
  # Sets real: what a link leads to in the end, as this container sees it.
  real=$1
  [ -L "$1" ] || return 0
  real=$(readlink -f "$1" && echo .) || exit ${FILE_EXIT.linkBroken}
  real=\${real%??}
}
version() {
  # A checksum of $1 and its length; by the same tool every time in one image.
  for tool in cksum sha256sum md5sum sha1sum; do
    command -v "$tool" >/dev/null 2>&1 || continue
    set -- "$1" $("$tool" <"$1"); echo "$2-$(($(wc -c <"$1")))"
    return
  done
  set -- $(ls -lid "$1"); echo "$1-$6-$7-$8-$9"
}
check_private() {
  # What programs read of HOME is not an agent's that may only write, by no path to it.
  case $(cd -P "$1" && pwd -P)/ in ${PRIVATE_HOME}/*) exit ${FILE_EXIT.denied} ;; esac
}
check_kind() {
  [ ! -d "$1" ] || exit ${FILE_EXIT.folder}
  [ ! -e "$1" ] || [ -f "$1" ] || exit ${FILE_EXIT.special}
}
`;

/**
 * `$1` path, `$2` what (`lines`, `bytes`, `whole`), `$3` first line from 1 or first byte from 0, `$4` how many, `$5` most bytes.
 * A line with the number of bytes; for `lines` also of newlines, 1 if the last byte is one, and the place of the first line's first byte; for
 * `whole` its version. Then the content.
 */
export const READ_FILE = `${FUNCTIONS}
[ $# = 5 ] || refuse
path=$1; check_path "$path"; check_count "$3" "$4" "$5"
[ -e "$path" ] || exit ${FILE_EXIT.notFound}
check_kind "$path"
[ -r "$path" ] || exit ${FILE_EXIT.denied}
bytes=$(wc -c <"$path") || exit ${FILE_EXIT.denied}
case $2 in
  lines)
    start=0; [ "$3" -le 1 ] || start=$(head -n "$(($3 - 1))" <"$path" | wc -c)
    echo $bytes $(wc -l <"$path") $(tail -c 1 <"$path" | wc -l) $start
    tail -n "+$3" <"$path" | head -n "$4" | head -c "$5" ;;
  bytes) echo $bytes; tail -c "+$(($3 + 1))" <"$path" | head -c "$4" ;;
  whole)
    [ "$bytes" -le "$5" ] || exit ${FILE_EXIT.tooLarge}
    echo $bytes $(version "$path")
    exec head -c "$5" <"$path" ;;
  *) refuse ;;
esac
exit 0`;

/**
 * `$1` a folder, as `PATH/.`; `$2` most entries. For each entry a record that ends with `/` and a newline, as no name holds a slash: mode
 * (hexadecimal), bytes, seconds since 1970, `./` and the name. After those of a hundred one more for each link among them that leads to a file (`f 0 0`) or
 * a folder (`d 0 0`). At the end `=` and how many entries there are.
 */
export const LIST_FOLDER = `${FUNCTIONS}
[ $# = 2 ] || refuse
check_path "$1"; check_count "$2"; most=$2
[ -d "$1" ] || { [ ! -e "\${1%/.}" ] || exit ${FILE_EXIT.notFolder}; exit ${FILE_EXIT.notFound}; }
[ -r "$1" ] && cd "$1" 2>/dev/null || exit ${FILE_EXIT.denied}
command -v stat >/dev/null 2>&1 || { echo "the image has no program stat" >&2; exit ${FILE_EXIT.denied}; }
show() {
  [ $# -gt 0 ] || return 0
  stat -c '%f %s %Y %n/' "$@" 2>/dev/null
  for entry in "$@"; do
    [ -L "$entry" ] || continue
    if [ -d "$entry" ]; then printf 'd 0 0 %s/\\n' "$entry"; elif [ -f "$entry" ]; then printf 'f 0 0 %s/\\n' "$entry"; fi
  done
}
set +f
set -- ./* ./.[!.]* ./..?*
set -f
total=0; first=1
for name in "$@"; do
  [ -z "$first" ] || { set --; first=; }
  # A pattern that nothing matches stays as it is.
  [ -e "$name" ] || [ -L "$name" ] || continue
  total=$((total + 1)); [ "$total" -le "$most" ] || continue
  set -- "$@" "$name"
  [ $# -lt 100 ] || { show "$@"; set --; }
done
show "$@"
echo "=$total"
exit 0`;

/**
 * `$1` a name that nobody else uses, `$2` how many `put`, `$3` bytes of stdin; then five for each change: `put` or `drop`; the path; how many
 * bytes of stdin are its content, one after the other; what is there before it (`any`, `none`, or a version as READ_FILE says it); and a
 * file whose permissions it takes (empty: the replaced one's). Says the number of each change when it comes to it, and at the end what
 * became of each: `created`, `replaced`, `overwritten`, `removed`.
 *
 * Every content is written beside its target, and everything is checked, before the first target changes; when a later one fails,
 * the earlier ones are put back. A rename takes a file's place at once. A new file's name is taken first, so that nothing that came
 * meanwhile is replaced. A file whose name can't be taken, as it is a mount of its own or its folder is not the user's to write, is
 * `overwritten`: its content waits elsewhere, and what is there is kept until the new one is whole.
 */
export const COMMIT_FILES = `${FUNCTIONS}
check_changes() {
  [ $# -ge 8 ] || refuse
  case $1 in *[!abcdefghijklmnopqrstuvwxyz0123456789]* | ?????????????????????????????????*) refuse ;; ????????*) ;; *) refuse ;; esac
  check_count "$2" "$3"
  left=$2; shift 3
  while [ $# -gt 0 ]; do
    [ $# -ge 5 ] || refuse
    case $1 in put) left=$((left - 1)) ;; drop) ;; *) refuse ;; esac
    check_path "$2"; check_count "$3"
    case $4 in '' | *[!A-Za-z0-9:.-]*) refuse ;; esac
    [ -z "$5" ] || check_path "$5"
    shift 5
  done
  [ "$left" = 0 ] || refuse
}
check_changes "$@"
id=$1; puts=$2; total=$3; shift 3
spool=; steps=0; finished=; kept=
target() {
  # Sets real, place (empty: beside it), temp, saved: of change $1.
  eval "real=\\$real_$1; place=\\\${place_$1-}"
  temp=\${place:-\${real%/*}}/.openclaw-$id-$1; saved=$temp-saved
}
find_place() {
  for place in . "\${TMPDIR:-/tmp}" /tmp /run/openclaw; do
    case $place in . | /*) [ ! -d "$place" ] || [ ! -w "$place" ] || return 0 ;; esac
  done
  exit ${FILE_EXIT.denied}
}
check() {
  # $1 path, $2 what is expected there
  check_kind "$1"
  case $2 in
    any) ;;
    none) [ ! -e "$1" ] || exit ${FILE_EXIT.exists} ;;
    *) [ -e "$1" ] || exit ${FILE_EXIT.notFound}; [ "$(version "$1")" = "$2" ] || exit ${FILE_EXIT.changed} ;;
  esac
  [ ! -e "$1" ] || [ -w "$1" ] || exit ${FILE_EXIT.denied}
}
digit() {
  bits=0
  case $1 in r*) bits=4 ;; esac
  case $1 in ?w*) bits=$((bits + 2)) ;; esac
  case $1 in ??[xst]*) bits=$((bits + 1)) ;; esac
}
take_permissions() {
  # $1 from, $2 to. Not the bits that lend the owner's rights: no write keeps those.
  source=$1; copy=$2
  set -- $(ls -ldn "$source")
  chown "$3:$4" "$copy" 2>/dev/null
  letters=\${1#?}; digit "$letters"; mode=$bits
  letters=\${letters#???}; digit "$letters"; mode=$mode$bits
  letters=\${letters#???}; digit "$letters"; mode=$mode$bits
  chmod "$mode" "$copy" || exit ${FILE_EXIT.notWritten}
}
prepare() {
  at=0
  while [ $# -gt 0 ]; do
    at=$((at + 1)); echo "$at"
    resolve "$2"; eval "real_$at=\\$real"; target "$at"
    check "$real" "$4"
    if [ "$1" = put ]; then
      folder=\${real%/*}/
      [ -d "$folder" ] || mkdir -p "$folder" || exit ${FILE_EXIT.denied}
      check_private "$folder"
      if [ -f "$real" ] && [ ! -w "$folder" ]; then find_place; eval "place_$at=\\$place"; target "$at"; fi
      ([ -z "$place" ] || umask 077; set -C; : >"$temp") || exit ${FILE_EXIT.denied}
      [ -n "$spool" ] || spool=$temp
    else
      [ -e "$real" ] || exit ${FILE_EXIT.notFound}
    fi
    shift 5
  done
  [ "$puts" -lt 2 ] || { spool=$spool-all; (set -C; : >"$spool") || exit ${FILE_EXIT.denied}; }
}
fill() {
  [ "$puts" -gt 0 ] || return 0
  cat >|"$spool" || exit ${FILE_EXIT.notWritten}
  [ "$(($(wc -c <"$spool")))" -eq "$total" ] || exit ${FILE_EXIT.incomplete}
  at=0; offset=0
  while [ $# -gt 0 ]; do
    at=$((at + 1)); echo "$at"; target "$at"
    if [ "$1" = put ]; then
      if [ "$puts" -gt 1 ]; then
        tail -c "+$((offset + 1))" <"$spool" | head -c "$3" >|"$temp"
        [ "$(($(wc -c <"$temp")))" -eq "$3" ] || exit ${FILE_EXIT.notWritten}
        offset=$((offset + $3))
      fi
      if [ -n "$place" ]; then :
      elif [ -n "$5" ]; then resolve "$5"; source=$real; target "$at"; take_permissions "$source" "$temp"
      elif [ -e "$real" ]; then take_permissions "$real" "$temp"
      fi
    fi
    # Kept under another name for as long as a later change may fail.
    [ ! -e "$real" ] || [ $# = 5 ] || [ -n "$place" ] || ln "$real" "$saved" 2>/dev/null || cp -p "$real" "$saved" || exit ${FILE_EXIT.notWritten}
    shift 5
  done
}
note() { steps=$at; eval "became_$at=$1"; }
overwrite() {
  [ -f "$real" ] && [ -w "$real" ] || exit ${FILE_EXIT.denied}
  note copying
  # A name of the same file would be overwritten with it.
  rm -f "$saved"
  (umask 077; set -C; cat <"$real" >"$saved") || exit ${FILE_EXIT.notWritten}
  note overwritten
  cat <"$temp" >|"$real" || exit ${FILE_EXIT.notWritten}
}
commit() {
  at=0
  while [ $# -gt 0 ]; do
    at=$((at + 1)); echo "$at"; target "$at"
    check "$real" "$4"
    if [ "$1" = drop ]; then
      note removed
      rm -f "$real" || exit ${FILE_EXIT.denied}
    else
      if [ ! -e "$real" ]; then
        (set -C; : >"$real") || { [ ! -e "$real" ] || exit ${FILE_EXIT.exists}; exit ${FILE_EXIT.denied}; }
        note created
        mv -f "$temp" "$real" || exit ${FILE_EXIT.denied}
      else
        note replaced
        if [ -n "$place" ] || ! mv -f "$temp" "$real"; then overwrite; fi
      fi
    fi
    shift 5
  done
  finished=1
}
clean() {
  while [ -z "$finished" ] && [ "$steps" -gt 0 ]; do
    target "$steps"; eval "became=\\$became_$steps"
    case $became in
      created) rm -f "$real" ;;
      copying) ;;
      overwritten) cat <"$saved" >|"$real" || { kept="$kept $steps "; echo "what it held is in $saved" >&2; } ;;
      *) [ ! -e "$saved" ] || mv -f "$saved" "$real" ;;
    esac
    steps=$((steps - 1))
  done
  [ "$puts" -lt 2 ] || [ -z "$spool" ] || rm -f "$spool"
  at=0
  while eval "[ -n \\"\\\${real_$((at + 1))-}\\" ]"; do
    at=$((at + 1)); target "$at"; rm -f "$temp"
    case $kept in *" $at "*) ;; *) rm -f "$saved" ;; esac
  done
}
trap clean EXIT
trap 'exit ${FILE_EXIT.notWritten}' HUP INT TERM
prepare "$@"
fill "$@"
commit "$@"
at=0
while [ "$at" -lt "$steps" ]; do at=$((at + 1)); eval "echo \\"\\$became_$at\\""; done
exit 0`;

/**
 * `$1` what is done: `move`, `remove` (of a folder only an empty one), `remove-all` (with all that is in it, but no mount) or `folder` (makes one); `$2` the path; `$3` the version of the file there, as
 * READ_FILE says it, or `any`; `$4` of `move` the new path, else empty. A link is moved or removed itself, not what it leads to. Nothing is ever
 * replaced: a file's new name is taken before. Says `to` once it comes to the new path.
 */
export const ARRANGE_ENTRY = `${FUNCTIONS}
[ $# = 4 ] || refuse
check_path "$2"
case $3 in '' | *[!A-Za-z0-9:.-]*) refuse ;; esac
case $1 in move) check_path "$4" ;; remove | remove-all | folder) [ -z "$4" ] || refuse ;; *) refuse ;; esac
is_there() { [ -e "$1" ] || [ -L "$1" ]; }
is_folder() { [ -d "$1" ] && [ ! -L "$1" ]; }
check_place() {
  # $1 a path whose folder is to be changed
  [ -d "\${1%/*}/" ] || exit ${FILE_EXIT.notFound}
  check_private "\${1%/*}/"
}
check_place "$2"
if [ "$1" = folder ]; then
  ! is_there "$2" || exit ${FILE_EXIT.exists}
  mkdir "$2" || exit ${FILE_EXIT.denied}
  exit 0
fi
is_there "$2" || exit ${FILE_EXIT.notFound}
if [ "$3" != any ]; then [ -f "$2" ] && [ -r "$2" ] && [ "$(version "$2")" = "$3" ] || exit ${FILE_EXIT.changed}; fi
if [ "$1" = remove-all ] && is_folder "$2"; then
  check_private "$2"
  inside=$(cd -P "$2" && pwd -P) || exit ${FILE_EXIT.denied}
  # A mount holds what is not the workspace's own. The fifth word is where it is.
  while read -r one two three four point rest; do case $(printf '%b' "$point") in "$inside"/*) exit ${FILE_EXIT.mounted} ;; esac; done </proc/self/mountinfo
  rm -rf "$2" 2>/dev/null
  ! is_there "$2" || exit ${FILE_EXIT.denied}
  exit 0
fi
if [ "$1" != move ]; then
  is_folder "$2" || { rm -f "$2" || exit ${FILE_EXIT.denied}; exit 0; }
  rmdir "$2" 2>/dev/null && exit 0
  [ -n "$(ls -A "$2" 2>/dev/null)" ] && exit ${FILE_EXIT.notEmpty}
  exit ${FILE_EXIT.denied}
fi
echo to
check_place "$4"
! is_there "$4" || exit ${FILE_EXIT.exists}
is_folder "$2" && { mv "$2" "$4" || exit ${FILE_EXIT.denied}; exit 0; }
(set -C; : >"$4") || { ! is_there "$4" || exit ${FILE_EXIT.exists}; exit ${FILE_EXIT.denied}; }
mv -f "$2" "$4" && exit 0
[ -s "$4" ] || rm -f "$4"
exit ${FILE_EXIT.denied}`;

const ARGUMENTS: ReadonlyMap<string | undefined, (args: readonly string[]) => boolean> = new Map([
  [READ_FILE, areReadArguments],
  [COMMIT_FILES, areCommitArguments],
  [LIST_FOLDER, areListArguments],
  [ARRANGE_ENTRY, areArrangeArguments],
]);

const SCRIPTS: Partial<Record<SandboxTool, readonly string[]>> = {
  read: [READ_FILE, LIST_FOLDER],
  write: [COMMIT_FILES, ARRANGE_ENTRY],
  edit: [READ_FILE, COMMIT_FILES],
  apply_patch: [READ_FILE, COMMIT_FILES],
  media: [COMMIT_FILES],
};

/** In the workdir: what people send. */
export const MEDIA_FOLDER = "media/inbound";

/** `$0` of the scripts. */
const NAME = "openclaw-file";

export function toFileCommand(script: string, args: readonly string[]): string[] {
  return ["/bin/sh", "-c", script, NAME, ...args];
}

/** Whether a command is one that this tool runs. `exec` is for every command; the other tools have only their own scripts, as they are. */
export function isCommandOf(tool: SandboxTool, { argv, env, tty, workdir }: CommandRequest): boolean {
  if (tool === "exec") return true;
  const [shell, option, script = "", name, ...args] = argv;
  const isPlain = env === undefined && tty === undefined && workdir === undefined;
  const isOwn = shell === "/bin/sh" && option === "-c" && name === NAME && (SCRIPTS[tool]?.includes(script) ?? false);
  if (!isPlain || !isOwn || ARGUMENTS.get(script)?.(args) !== true) return false;
  return tool !== "media" || isNewMedia(args);
}

/** Of COMMIT_FILES: one new file in the folder for media. No policy is asked for it, so it can be nothing else. */
function isNewMedia(args: readonly string[]): boolean {
  const [, puts, , kind, path = "", , expected, like] = args;
  const name = path.startsWith(`./${MEDIA_FOLDER}/`) ? path.slice(MEDIA_FOLDER.length + 3) : "/";
  return args.length === 8 && puts === "1" && kind === "put" && expected === "none" && like === "" && !name.includes("/");
}
