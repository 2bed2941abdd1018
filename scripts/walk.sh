#!/bin/bash
# SPDX-License-Identifier: MIT
# walk.sh [-ck] [-d DEB] HOWTO ROOT - do what a how-to says, word for word, as a new user
#
# Every command of the ```sh blocks of docs/howto/HOWTO.md is typed in turn into
# one shell, on an overlay over the directory tree ROOT (debootstrap
# --variant=minbase bookworm ROOT; or / for this machine), with a copy of this
# tree, and must end with status 0, or with the one that a comment behind it
# names ("# status 126"). Blocks that are marked ```sh elsewhere need what is not
# here (a container engine): they are named and left out. Nothing is left.
#   -c  lend it this machine's compiler cache (a second run need not compile)
#   -k  no packages are fetched: ROOT has what the build needs
#   -d  use this package: the commands that build one are left out
#
# What a target has and a debootstrap tree lacks is put there first: a user with
# sudo and a project (laptop), an init (vm), node (render), `claude` (an agent
# that removes a directory).
set -eu
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
src=$(cd "$(dirname "$0")/.." && pwd)
keep= deb= cache=
while getopts ckd: o; do
	case $o in
	c) cache=1 ;;
	k) keep=1 ;;
	d) deb=$(realpath "$OPTARG") ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
howto=${1:?usage: walk.sh [-ck] [-d DEB] HOWTO ROOT} root=$(realpath "${2:?}")
doc=$src/docs/howto/$howto.md
[ -f "$doc" ] || { echo "walk: no $doc" >&2; exit 2; }

skip() {
	echo "SKIP: $*"
	exit 77
}

if [ "${3:-}" != inside ]; then
	[ "$(id -u)" = 0 ] || skip "no root: nothing can be mounted"
	unshare -mpf --mount-proc true 2>/dev/null || skip "no namespaces"
	exec unshare -mpf --mount-proc --kill-child \
		bash "$0" ${cache:+-c} ${keep:+-k} ${deb:+-d "$deb"} "$howto" "$root" inside
fi

T=$(mktemp -d "${TMPDIR:-/tmp}/agentsh-walk.XXXXXX")
leave() {
	local status=$?
	cd /
	umount -l "$T" && rmdir "$T" # nothing is removed below it
	exit "$status"
}
trap leave EXIT
. "$src/scripts/overlay-root.sh"
overlay_root "$T" "$root" || skip "no overlay over $root"
! [ -d /etc/apt ] || [ "$root" = / ] ||
	cp -r /etc/apt/apt.conf.d "$R/etc/apt/" 2>/dev/null || true
rm -rf "$R"/etc/agentsh "$R"/var/lib/agentsh

# words of the document -> each ends with a record separator (036)
commands() {
	awk '/^ *```sh elsewhere/ { other = 1; print "#left out, marked elsewhere:" > "/dev/stderr"; next }
		/^ *```sh *$/ { on = 1; match($0, /^ */); cut = RLENGTH; next }
		/^ *```/ { on = other = 0; next }
		other { print "#  " $0 > "/dev/stderr" }
		on { line = substr($0, cut + 1); printf "%s", line
			if (line ~ /\\$/) printf "\n"; else printf "\036" }' "$doc"
}

apt_install() {
	[ -n "$keep" ] || chroot "$R" sh -c "apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -qq --no-install-recommends $* >/dev/null"
}
account() { # NAME: with sudo and no password, as laptops' owners have it
	chroot "$R" useradd -m -s /bin/bash "$1"
	[ ! -d "$R/etc/sudoers.d" ] ||
		echo "$1 ALL=(ALL) NOPASSWD: ALL" >"$R/etc/sudoers.d/$1"
}
project() { # DIR: a small one, in git
	mkdir -p "$1/src"
	printf 'test:\n\t@echo tests passed\n' >"$1/Makefile"
	echo 'int main(void) { return 0; }' >"$1/src/main.c"
	git -C "$1" init -q
	git -C "$1" add -A
	git -C "$1" -c user.name=u -c user.email=u@localhost commit -qm first
}
agent() {
	cat >"$R/usr/local/bin/claude" <<-'X'
	#!/bin/sh
	echo "agent: tidying up"
	rm -rf src
	cat /etc/shadow
	exit 0
	X
	chmod 755 "$R/usr/local/bin/claude"
}
init_system() { # enough of systemctl for one unit
	cat >"$R/usr/local/bin/systemctl" <<-'X'
	#!/bin/sh
	unit=/usr/lib/systemd/system/agentsh.service
	case "$*" in
	"disable --now agentsh.service") pkill -x agentsh || true ;;
	"enable --now agentsh" | "restart agentsh")
		pkill -x agentsh
		for i in $(seq 600); do
			pgrep -x agentsh >/dev/null || break
			sleep 0.1
		done
		mkdir -p /run/agentsh /var/lib/agentsh
		$(sed -n 's/^ExecStart=//p' $unit) >/var/log/agentsh.log 2>&1 &
		for i in $(seq 600); do
			[ -S /run/agentsh/http-18080.sock ] && exit 0
			sleep 0.1
		done
		cat /var/log/agentsh.log
		exit 1 ;;
	*) exit 0 ;;
	esac
	X
	chmod 755 "$R/usr/local/bin/systemctl"
	mkdir -p "$R/run/systemd/system"
}

home=/root user=root
case $howto in
laptop)
	apt_install sudo git make bash ca-certificates
	user=ada home=/home/ada
	account ada
	project "$R$home/src/project"
	agent
	;;
vm)
	apt_install git make procps ca-certificates
	init_system
	;;
render)
	apt_install git make ca-certificates nodejs npm curl
	lend_certificates
	;;
esac
[ -z "$cache" ] || [ "$user" != root ] || lend_cache
git clone -q "$src" "$R$home/agentsh" 2>/dev/null || {
	mkdir -p "$R$home/agentsh"
	(cd "$src" && tar cf - --exclude='./build*' .) |
		tar xf - -C "$R$home/agentsh"
}
[ "$user" = root ] || chroot "$R" chown -R "$user:" "$home"

commands >"$R/tmp/commands"
if [ -n "$deb" ]; then
	cp "$deb" "$R/tmp/"
	tr '\n\036' '\035\n' <"$R/tmp/commands" |
		grep -vE '^(\./quickstart\.sh|packaging/build-deb\.sh)' |
		tr '\n\035' '\036\n' >"$R/tmp/commands.few"
	mv "$R/tmp/commands.few" "$R/tmp/commands"
elif [ "$howto" = vm ]; then
	echo "walk: vm begins with a package: -d DEB" >&2
	exit 2
fi
cat >"$R/tmp/walk.sh" <<'WALK'
bad=0
cd ~/agentsh || exit 1
while IFS= read -r -d $'\036' -u 9 command; do
	[ -n "${command// /}" ] || continue
	printf '\n$ %s\n' "$command"
	want=0
	[[ $command =~ '# '.*status\ ([0-9]+) ]] && want=${BASH_REMATCH[1]}
	eval "$command" 9<&- </dev/null
	status=$?
	[ $status = "$want" ] && continue
	echo "walk: status $status, expected $want: $command"
	bad=$((bad + 1))
done 9</tmp/commands
echo
echo "walk: $bad commands did not do what the document says"
exit $((bad > 0))
WALK
if [ -n "$deb" ]; then # nothing is fetched any more: a network of its own
	unshare -n bash -c 'ip link set lo up; chroot "$0" su -s /bin/bash - \
		"$1" -c "bash /tmp/walk.sh"' "$R" "$user"
	exit
fi
chroot "$R" su -s /bin/bash - "$user" -c 'bash /tmp/walk.sh'
