#!/bin/bash
# SPDX-License-Identifier: MIT
# kernels.sh - the built tree's tests on other kernels, in qemu
#
# Usage: kernels.sh [-f] [-a ARCH] [-r ROOT] [-k SERIES] [-o DIR] BUILD_DIR [TEST...]
#   -f  everything: unit tests, floor, and the scenarios of FULL below; without
#       it a short choice that fits CI (a minute or two per kernel in software)
#   -a  the guest's architecture, which BUILD_DIR was built for: amd64 or arm64
#       (the default is this machine's); for another one:
#   -r  a root of that architecture, to take the guest's programs from
#   -k  only this series (6.1, 6.12, 7.x, ...)
#   -o  keep each guest's console there
#   -c  a command to run in the guests instead; its output is shown
#   TEST: instead of the choice: unit tests by name or file, and scenarios as
#   area/name or area/name@variant
#
# AGENTSH_KERNELS is a directory made by scripts/kernels-fetch.sh, BUILD_DIR/kernels
# if it is not set (test.sh makes that); skipped without. A guest is an initramfs:
# busybox, the programs that the scenarios use with their libraries, this tree and
# its built programs; scripts/cross-build.sh makes all that another architecture
# wants. Hardware acceleration is used where /dev/kvm starts a guest.
# Limits are for software emulation on a busy machine: only a hang reaches them.
set -u
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
full= only= out= command= sys=
native=$(uname -m) && arch=$native
while getopts fa:r:k:o:c: o; do
	case $o in
	f) full=1 ;;
	a) arch=$OPTARG ;;
	r) sys=${OPTARG%/} ;;
	k) only=${OPTARG%.x} ;;
	o) out=$OPTARG ;;
	c) command=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
build=$(cd "${1:?usage: kernels.sh BUILD_DIR}" && pwd) || exit 2
shift
src=$(cd "$(dirname "$0")/../.." && pwd)

skip() {
	echo "skip: $*"
	exit 77
}

case $arch in
amd64 | x86_64)
	arch=x86_64 console=ttyS0 loader=/lib64/ld-linux-x86-64.so.2
	# qemu 7.2 now and then corrupts a guest on cmpxchg16b: do without
	machine="-M q35 -smp 2" tcg="-cpu max,-cx16"
	;;
arm64 | aarch64)
	arch=aarch64 console=ttyAMA0 loader=/lib/ld-linux-aarch64.so.1
	# signed pointers by the architecture's own cipher take half the time
	machine="-M virt -smp 1" tcg="-cpu max,pauth-impdef=on"
	;;
*) skip "no guests of $arch" ;;
esac
foreign=
[ "$arch" = "$native" ] || foreign=1
[ -z "$foreign" ] || [ -d "$sys/usr" ] ||
	skip "no root of $arch (-r): scripts/cross-build.sh makes one"
for tool in qemu-system-$arch ${foreign:+readelf} cpio; do
	command -v "$tool" >/dev/null || skip "no $tool"
done
path=$PATH
[ -z "$foreign" ] || path=$sys/usr/bin:$sys/usr/sbin
for tool in busybox jq curl; do
	PATH=$path type -P $tool >/dev/null || skip "no $tool"
done
kernels=${AGENTSH_KERNELS:-$build/kernels}
[ -d "$kernels" ] || skip "no kernels: scripts/kernels-fetch.sh $kernels"
seconds=${AGENTSH_GUEST_SECONDS:-10800} each=2400
[ -n "$full$command" ] || [ $# -gt 0 ] ||
	seconds=${AGENTSH_GUEST_SECONDS:-180} each=400

SHORT="tracer/signals escape/classes"
FULL="$SHORT tracer/exec tracer/files tracer/undo tracer/signal-rules
tracer/redirect tracer/xattrs tracer/races tracer/net tracer/lifecycle
lifecycle/ends lifecycle/stuck lifecycle/restart server/approvals server/prompt
server/callers server/kill server/limits cli/run-limits cli/detect-host
cli/detect-truth undo/brake vfs/session undo/files"

T=$(mktemp -d "${TMPDIR:-/tmp}/agentsh-kernels.XXXXXX") || exit 1
trap 'rm -rf --one-file-system "$T"' EXIT
root=$T/root
mkdir -p "$root"/{bin,proc,sys,dev,tmp,run,etc,root,usr/bin,usr/sbin,usr/lib,var/tmp,modules}
mkdir -p "$root/usr/lib64"
rmdir "$root/bin"
ln -s usr/bin "$root/bin"
ln -s usr/sbin "$root/sbin"
ln -s usr/lib "$root/lib"
ln -s usr/lib64 "$root/lib64"

# libraries_of FILE: names of the shared libraries that it is linked to
libraries_of() {
	if [ -z "$foreign" ]; then
		ldd "$1" 2>/dev/null | grep -o '/[^ )]*'
	else
		readelf -d "$1" 2>/dev/null | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
			sed "s,^,/usr/lib/$arch-linux-gnu/,"
	fi
}

# put FILE...: programs and libraries, with what they are linked to
put() {
	local f real
	for f; do
		real=$(readlink -f "$sys$f") && real=${real#"$sys"} || continue
		[ -f "$sys$real" ] || continue
		mkdir -p "$root$(dirname "$real")"
		[ -e "$root$real" ] || cp -p "$sys$real" "$root$real"
		if [ "$f" != "$real" ] && [ ! -e "$root$f" ]; then
			mkdir -p "$root$(dirname "$f")"
			ln -s "$real" "$root$f" # not by way of /etc/alternatives
		fi
		put_libraries "$sys$real"
	done
}

put_libraries() { # OF A FILE
	local lib
	for lib in $(libraries_of "$1"); do
		[ -e "$root$lib" ] || [ -L "$root$lib" ] || put "$lib"
	done
}

programs="bash sh busybox awk base64 basename cat chgrp chmod chown cmp comm cp
curl cut date dd fallocate install patch shred df diff dirname du echo env expr false find flock getfacl
getfattr git grep gzip head hostname id ionice jq kill ldd ln ls md5sum mkdir mkfifo
mknod mktemp mount mountpoint mv nc nice nl nohup od openssl paste pgrep pkill printf ps pwd
python3 readlink realpath rm rmdir script sed seq setfacl setfattr setpriv setsid
sha256sum shuf sleep sort split sqlite3 stat stdbuf stty sudo sync tac tail tar tee test
timeout touch tr true truncate tty umount uname uniq unlink unshare wc which whoami xargs xz
yes chrt nproc ip expect strace dmesg"
for p in $programs; do
	f=$(PATH=$path type -P "$p") && put "${f#"$sys"}" || true
done
put $loader
for f in /lib/$arch-linux-gnu/libnss_{files,dns}.so.2 \
	/usr/lib/git-core/git-{remote-http,sh-setup} /etc/ssl/openssl.cnf; do
	put "$f"
done
# python without its tests and rare modules
if [ -n "$foreign" ]; then
	py=$(readlink "$sys/usr/bin/python3")
	py=/usr/lib/${py##*/}
else
	py=$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
fi
mkdir -p "$root$py" && (cd "$sys$py" && tar cf - --exclude=test \
	--exclude=__pycache__ --exclude='config-*' --exclude=idlelib \
	--exclude=tkinter --exclude=lib2to3 --exclude=ensurepip \
	--exclude=pydoc_data .) | tar xf - -C "$root$py"
for f in "$root$py"/lib-dynload/*.so; do
	put_libraries "$f"
done
mkdir -p "$root/usr/lib/locale"
cp -r "$sys/usr/lib/locale/C.utf8" "$root/usr/lib/locale/" 2>/dev/null
mkdir -p "$root/etc/ssl"
printf 'root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$root/etc/passwd"
printf 'root:x:0:\nnogroup:x:65534:\nshadow:x:42:\n' >"$root/etc/group"
printf 'root:*:19000:0:99999:7:::\n' >"$root/etc/shadow"
chmod 600 "$root/etc/shadow"
printf '127.0.0.1 localhost\n' >"$root/etc/hosts"
echo guest >"$root/etc/hostname"

# this tree, and what was built of it
mkdir -p "$root$src" "$root$build"
(cd "$src" && tar cf - --exclude=corpus --exclude=.git tests data scripts docs \
	README.md) | tar xf - -C "$root$src"
(cd "$build" && find cli/agentsh* tracer/agentsh-* \
	netproxy/agentsh-netproxy vfs/agentsh-vfs libexec tests/cases \
	tests/escape tests/unit tests/lib -type f -perm -100 2>/dev/null) |
	while read -r f; do
		mkdir -p "$root$build/$(dirname "$f")"
		strip -g -o "$root$build/$f" "$build/$f" 2>/dev/null ||
			llvm-strip -g -o "$root$build/$f" "$build/$f" 2>/dev/null ||
			cp "$build/$f" "$root$build/$f"
		put_libraries "$build/$f"
	done
# what makes it a build tree to its programs
touch "$root$build/build.ninja"
cp "$src/tests/escape/guest.sh" "$root/init"
chmod +x "$root/init"

# Tests by meson's names, as meson would run them; the jail of a variant stands
# within the guest's.
# shellcheck disable=SC2016
line='.[] | select(.name == $name or (.cmd[0] | endswith("/" + $name))) |
	"\($name) \($each) env \($disk)" + ([.env | to_entries[] |
	if .key == "AGENTSH_JAIL" then .value = "/alone -- " + .value else . end |
	.key + "=" + .value | @sh] | join(" ")) + " \(.cmd | @sh)"'

# Before 6.6 a tmpfs has no user attributes, and older ones no times of birth, by
# which a command's own files are known: these run on a disk.
mkfs.ext4 -q -F "$root/disk.img" 128M >/dev/null
disk() {
	case $1 in
	tracer/xattrs | undo/files | undo/brake) echo "TMPDIR=/disk " ;;
	test_trash_*) echo "TEST_TRASH_DIR=/disk " ;;
	esac
}

# the list of tests
list() {
	local name
	for name; do
		jq -r --arg name "$name" --arg each "$each" \
			--arg disk "$(disk "$name")" "$line" \
			"$build/meson-info/intro-tests.json"
	done
}
{
	echo "detect/kernel 60 /alone -- $build/cli/agentsh detect"
	if [ -n "$command" ]; then
		printf '%s\n' "$command" >"$root/command"
		echo "detect/command 300 bash /command"
	elif [ $# -gt 0 ]; then
		list "$@"
	else
		units="confine tracer"
		[ -z "$full" ] || units="base core $units trash vfs"
		# shellcheck disable=SC2086
		list floor $(cd "$build/tests/unit" && for u in $units; do
			find "$u" -maxdepth 1 -type f -perm -100 -printf '%f\n'
		done | sort)
		# shellcheck disable=SC2086
		list $([ -n "$full" ] && echo $FULL || echo $SHORT)
	fi
} >"$root/tests"
printf 'export AGENTSH_BUILD=%s\n' "$build" >"$T/env"
sed -i "2r $T/env" "$root/init"

# modules that the scenarios want, of this kernel
modules() {
	local kd=$1 m f i=0
	rm -f "$root"/modules/*
	for m in fuse loop; do
		f=$(find "$kd" -name "$m.ko" -o -name "$m.ko.xz" | head -1)
		[ -n "$f" ] || continue
		i=$((i + 1))
		case $f in
		*.xz) xz -dc "$f" >"$root/modules/$i-$m.ko" ;;
		*) cp "$f" "$root/modules/$i-$m.ko" ;;
		esac
	done
}

accel="-accel tcg,thread=multi $tcg"
boot() { # KERNEL LOG SECONDS
	# shellcheck disable=SC2086
	timeout "$3" "qemu-system-$arch" $accel $machine -m 2048 \
		-nodefaults -no-user-config -display none -vga none \
		-serial stdio -no-reboot -kernel "$1" -initrd "$T/initrd" \
		-append "console=$console panic=-1 quiet loglevel=3 rdinit=/init \
lsm=landlock,lockdown,yama,integrity,bpf cgroup_no_v1=all ${AGENTSH_GUEST_APPEND:-}" \
		</dev/null 2>&1 | stdbuf -oL tr -d '\r' >"$2"
}

# There may be a /dev/kvm that starts no ordinary kernel (nested, PVM).
try_kvm() {
	local k
	[ -z "$foreign" ] && [ -w /dev/kvm ] || return
	k=$(find "$kernels" -name 'vmlinuz*' -type f | head -1)
	accel="-accel kvm -cpu host"
	mkdir "$T/try"
	cp "$(command -v busybox)" "$T/try/init"
	(cd "$T/try" && echo init | cpio -o -H newc --quiet | gzip -1) >"$T/initrd"
	boot "$k" "$T/try.log" 10
	grep -q 'Linux version\|busybox\|BusyBox\|Kernel panic' "$T/try.log" ||
		accel="-accel tcg,thread=multi $tcg"
}

try_kvm
bad=0
any=0
slow=0
for kd in "$kernels"/*/; do
	series=$(basename "$kd")
	[ -z "$only" ] || [ "$only" = "$series" ] || continue
	kernel=$(find "$kd" -name 'vmlinuz*' -type f | head -1)
	[ -n "$kernel" ] || continue
	any=1
	modules "$kd"
	(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$T/initrd"
	log=$T/$series.log
	boot "$kernel" "$log" "$seconds"
	[ -z "$out" ] || { mkdir -p "$out" && cp "$log" "$out/$series.log"; }
	echo "== $series: $(sed -n 's/^UP \([^ ]*\).*/\1/p' "$log"):" \
		"$(grep -c ^PASS "$log") pass," \
		"$(grep -c ^SKIP "$log") skip, $(grep -c ^LOST "$log") lost;" \
		"$(sed -n 's/^DONE //p' "$log") s"
	grep -aE '^(SKIP|LOST|  \|)' "$log"
	[ -z "$command" ] || grep -a '^DETECT' "$log"
	if ! grep -q ^DONE "$log" && grep -q ^UP "$log" && [ -z "$full" ]; then
		echo "skip: $series: no end after $seconds s"
		slow=1
	elif ! grep -q ^DONE "$log"; then
		tail -40 "$log"
		bad=1
	fi
	if grep -q ^LOST "$log"; then
		bad=1
	fi
done
[ "$any" = 1 ] || skip "no kernel in $kernels"
[ "$bad" = 0 ] || exit 1
[ "$slow" = 0 ] || skip "a guest was too slow"
