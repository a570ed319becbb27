#!/bin/sh
# own-root.sh COMMAND...: runs it so that "/" is the root of its mount namespace, which the caller has made for it (unshare --mount).
# An engine that lives in a chroot needs that: what it starts joins the mount namespace, and would see the host's files instead.
# Outside of a chroot it only runs the command.
#   own-root.sh --needed      exit code 0 in a chroot
set -eu

# Entering one's own mount namespace leaves a chroot, so that "/" is another folder afterwards.
in_chroot() {
  outside=$(nsenter --mount=/proc/self/ns/mnt stat -Lc %d:%i / 2>/dev/null) || return 1
  [ "$outside" != "$(stat -Lc %d:%i /)" ]
}

if [ "$1" = --needed ]; then
  in_chroot
  exit
fi
in_chroot || exec "$@"
# shellcheck disable=SC2016 # expanded by the inner shell
exec nsenter --mount=/proc/self/ns/mnt sh -c 'cd /proc/self/fd/8 && pivot_root . mnt && umount -l /mnt && exec "$@" 8<&-' sh "$@" 8</
