#!/bin/bash
# SPDX-License-Identifier: MIT
# check-deb.sh DEB ROOT [OLD-DEB] - the package's life on a fresh root file system
#
# OLD-DEB is installed first and DEB is the upgrade; without it DEB is both, the
# second time under a higher version. ROOT is a directory tree (debootstrap --variant=minbase bookworm ROOT); it is
# only read: everything happens on an overlay in a mount namespace that ends
# with the script. Install, first commands, undo, shim, upgrade (which keeps the
# record, what can be undone, policies and the configuration), remove, purge; at the
# end the tree must be as it was.
set -eu

if [ "${4:-}" != inside ]; then
	deb=$(realpath "$1") root=$(realpath "$2") old=$(realpath "${3:-$1}")
	exec unshare -nmpf --mount-proc --kill-child \
		bash "$0" "$deb" "$root" "$old" inside
fi
deb=$1 root=$2 old=$3
T=$(mktemp -d)
leave() {
	local status=$?
	cd /
	umount -l "$T" && rmdir "$T" # nothing is removed below it
	exit "$status"
}
trap leave EXIT
. "$(dirname "$0")/../scripts/overlay-root.sh"
overlay_root "$T" "$root"
ip link set lo up
cp "$old" "$R/tmp/agentsh.deb"
# as a later version
dpkg-deb -R "$deb" "$T/newer"
sed -i 's/^Version: .*/&+later/' "$T/newer/DEBIAN/control"
dpkg-deb --build --root-owner-group -Zgzip "$T/newer" "$R/tmp/newer.deb" >/dev/null

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
echo '# a local change' | tee -a /etc/agentsh/config.yaml \
	>>/etc/agentsh/policies/default.yaml
cp /etc/agentsh/policies/default.yaml /etc/agentsh/policies/mine.yaml
agentsh exec demo -- rm note.txt
[ ! -e note.txt ] || die "the file is still there"
denied() {
	agentsh events query --session demo --decision deny | grep -c shadow
}
before=$(denied)
dpkg -i --force-confold /tmp/newer.deb # beside the running server
dpkg -s agentsh | grep '^Version:.*later' || die version
for f in config.yaml policies/default.yaml policies/mine.yaml; do
	[ "$(tail -1 /etc/agentsh/$f)" = '# a local change' ] || die "$f"
done
[ "$(agentsh shim status --bash | grep -c state=installed)" = 2 ] || die "shim"
agentsh exec demo -- true # by the server of before
end_server
agentsh exec demo -- true # and by the new one
[ "$before" -gt 0 ] && [ "$(denied)" -ge "$before" ] || die "the record is gone"
agentsh trash list | grep note.txt || die "what was kept is gone"
agentsh undo
grep -qx hello note.txt || die "undo across the upgrade"

step remove
end_server
dpkg -r agentsh
[ ! -e /bin/bash.real ] || die "shim left behind"
bash -c 'echo bash works'
[ -s /var/lib/agentsh/events.db ] || die "removing took the record"

step purge
rm /etc/agentsh/policies/mine.yaml # somebody's own: no package removes it
dpkg -P agentsh
cd / && rm -r /root/project
tree >/tmp/after
diff /tmp/before /tmp/after || die "not as it was"
step "as it was before"
LIFE
env -i HOME=/root TERM=dumb PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
	chroot "$R" /bin/bash /tmp/life.sh
