// The shell script that ends a command with all that it started, in a sandbox or on the gateway's host. Constant text for any POSIX shell, with
// /proc; what it is about reaches it as arguments.

/** Names the exec in every process that descends from it. */
export const MARK_VARIABLE = "OPENCLAW_EXEC_ID";

/**
 * `$1` mark, `$2` process group or empty. Ends the group, its session, everything whose environment carries the mark, and the children of
 * all these, until a round over /proc finds nothing more. The group is halted first, so that it does not outrun the search.
 * Exit code 0: nothing of it is left; 3: 30 rounds were not enough.
 */
export const KILL_ALL = `
mark=$1; group=$2; round=0
[ -n "$group" ] && kill -s STOP -- "-$group" 2>/dev/null
while [ "$round" -lt 30 ]; do
  round=$((round + 1)); victims=" "
  for entry in /proc/[0-9]*; do
    pid=\${entry#/proc/}; found=; stat=
    [ "$pid" = "$$" ] && continue
    { IFS= read -r stat <"$entry/stat"; } 2>/dev/null || continue
    rest=\${stat##*) }; state=\${rest%% *}; rest=\${rest#* }
    parent=\${rest%% *}; rest=\${rest#* }
    members=\${rest%% *}; rest=\${rest#* }
    session=\${rest%% *}
    [ "$state" = Z ] && continue
    [ "$state" = X ] && continue
    if [ -n "$group" ] && { [ "$members" = "$group" ] || [ "$session" = "$group" ]; }; then
      found=1
    else
      case $victims in *" $parent "*) found=1 ;; esac
    fi
    if [ -z "$found" ]; then
      {
        while line=; IFS= read -r line || [ -n "$line" ]; do
          case $line in *"${MARK_VARIABLE}=$mark"*) found=1; break ;; esac
        done <"$entry/environ"
      } 2>/dev/null
    fi
    [ -n "$found" ] && victims="$victims$pid "
  done
  [ "$victims" = " " ] && exit 0
  for pid in $victims; do kill -s KILL "$pid" 2>/dev/null; done
done
exit 3`;
