#!/bin/bash
# SPDX-License-Identifier: MIT
# check-deb.sh DEB ROOT - the package's life on a fresh root file system
#
# ROOT is a directory tree (debootstrap --variant=minbase bookworm ROOT); it is
# only read: everything happens on an overlay in a mount namespace that ends
# with the script. Install, first commands, undo, shim, upgrade, remove, purge;
# at the end the tree must be as it was.
set -eu

if [ "${3:-}" != inside ]; then
	deb=$(realpath "$1") root=$(realpath "$2")
	exec unshare -nmpf --mount-proc --kill-child bash "$0" "$deb" "$root" inside
fi
deb=$1 root=$2
T=$(mktemp -d)
mount -t tmpfs tmpfs "$T"
leave() {
	local status=$?
	cd /
	umount -l "$T" && rmdir "$T" # nothing is removed below it
	exit "$status"
}
trap leave EXIT
mkdir "$T"/{upper,work,root}
R=$T/root
mount -t overlay overlay \
	-o "lowerdir=$root,upperdir=$T/upper,workdir=$T/work" "$R"
mount -t proc proc "$R/proc"
for dir in dev run tmp; do mount -t tmpfs tmpfs "$R/$dir"; done
for node in null zero full random urandom tty; do cp -a "/dev/$node" "$R/dev/"; done
mkdir "$R/dev/pts" "$R/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$R/dev/pts"
ln -s pts/ptmx "$R/dev/ptmx"
ln -s /proc/self/fd "$R/dev/fd"
chmod 1777 "$R/tmp" "$R/dev/shm"
ip link set lo up
cp "$deb" "$R/tmp/agentsh.deb"

cat >"$R/tmp/life.sh" <<'LIFE'
set -eu
step() { printf '\n== %s\n' "$*"; }
die() { echo "check-deb: $*" >&2; exit 1; }
tree() {
	find / -xdev \( -path /var/cache -o -path /var/log -o \
		-path /var/lib/dpkg \) -prune -o \
		-type d -printf '%p %y %m\n' -o \
		-printf '%p %y %m %s %l\n' | sort
}
host=--i-understand-this-modifies-the-host
end_server() {
	for p in /proc/[0-9]*; do
		[ "$(cat "$p/comm" 2>/dev/null)" != agentsh ] || kill "${p#/proc/}"
	done
	sleep 0.5
}
tree >/tmp/before

step install
dpkg -i /tmp/agentsh.deb
agentsh config validate
mkdir /root/project && cd /root/project

step first commands
agentsh exec demo -- bash -c 'echo hello >note.txt; cat note.txt'
! agentsh exec demo -- cat /etc/shadow || die "/etc/shadow was readable"
! agentsh exec demo -- sudo id || die "sudo ran"
agentsh exec demo -- bash -c '[ "$(type -t kill)" != builtin ] && command -v ls' ||
	die "BASH_ENV is not in effect"
agentsh exec demo -- rm note.txt
agentsh undo
grep -qx hello note.txt || die "undo did not bring the file back"
agentsh detect | head -4

step shim
agentsh shim install-shell --shim /usr/bin/agentsh-shell-shim --bash $host
[ "$(agentsh shim status --bash | grep -c state=installed)" = 2 ] || die status
[ "$(bash -c 'echo bash') $(echo 'echo sh' | sh)" = "bash sh" ] || die "shells"
! agentsh exec demo -- /bin/bash -c 'cat /etc/shadow' || die "through the shim"

step upgrade
echo '# a local change' >>/etc/agentsh/config.yaml
dpkg -i --force-confold /tmp/agentsh.deb
[ "$(tail -1 /etc/agentsh/config.yaml)" = '# a local change' ] || die conffile
[ "$(agentsh shim status --bash | grep -c state=installed)" = 2 ] || die "shim"
agentsh exec demo -- true
[ -s /var/lib/agentsh/events.db ] || die "the record is gone"

step remove
end_server
dpkg -r agentsh
[ ! -e /bin/bash.real ] || die "shim left behind"
bash -c 'echo bash works'
[ -s /var/lib/agentsh/events.db ] || die "removing took the record"

step purge
dpkg -P agentsh
cd / && rm -r /root/project
tree >/tmp/after
diff /tmp/before /tmp/after || die "not as it was"
step "as it was before"
LIFE
env -i HOME=/root TERM=dumb PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
	chroot "$R" /bin/bash /tmp/life.sh
