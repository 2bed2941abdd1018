#!/bin/bash
# SPDX-License-Identifier: MIT
# fresh-root.sh [-c] ROOT [COMMAND] - as a stranger on a fresh machine: a clone of this
# tree's last commit at /src on an overlay over ROOT (debootstrap
# --variant=minbase bookworm ROOT; only read), and there COMMAND, the README's two
# commands without it. Almost no environment, nothing on standard input, the
# network as it is here. Nothing is left; the status is COMMAND's.
#   -c  lend it this machine's compiler cache (a second run need not compile)
set -eu
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
src=$(cd "$(dirname "$0")/.." && pwd)
cache=
[ "${1:-}" != -c ] || { cache=-c && shift; }
root=$(realpath "${1:?usage: fresh-root.sh [-c] ROOT [COMMAND]}")
command=${2:-./quickstart.sh && ./test.sh}

skip() {
	echo "SKIP: $*"
	exit 77
}

if [ "${3:-}" != inside ]; then
	[ "$(id -u)" = 0 ] || skip "no root: nothing can be mounted"
	unshare -mpf --mount-proc true 2>/dev/null || skip "no namespaces"
	exec unshare -mpf --mount-proc --kill-child \
		bash "$0" $cache "$root" "$command" inside
fi
. "$src/scripts/overlay-root.sh"
T=$(mktemp -d "${TMPDIR:-/tmp}/agentsh-fresh.XXXXXX")
trap 'status=$?; cd /; umount -l "$T"; rmdir "$T"; exit $status' EXIT
overlay_root "$T" "$root" || skip "no overlay over $root"
mount --rbind /sys "$R/sys" && mount --make-rslave "$R/sys" # cgroups too
# a machine-wide proxy or mirror of apt's
! [ -d /etc/apt/apt.conf.d ] || cp -r /etc/apt/apt.conf.d "$R/etc/apt/"
# what is below it need not be committed anywhere else, or by this user
git -c safe.directory='*' clone -q "$src" "$R/src"
[ -z "$cache" ] || lend_cache
lend_certificates
chroot "$R" /usr/bin/env -i HOME=/root TERM=dumb LANG=C.UTF-8 \
	PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	/bin/bash -c "cd /src && $command" </dev/null
