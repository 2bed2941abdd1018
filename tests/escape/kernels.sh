#!/bin/bash
# SPDX-License-Identifier: MIT
# kernels.sh - the floor and confine's unit tests on other kernels, in qemu
#
# Usage: kernels.sh BUILD_DIR
# AGENTSH_KERNELS names a directory of vmlinuz-* files (any distribution's with
# initramfs, tmpfs, Landlock and cgroup2 built in). Skipped without it. Each is
# booted in software emulation with one processor, which takes about 15 s.
set -u
build=$1

skip() {
	echo "skip: $*"
	exit 77
}

[ -n "${AGENTSH_KERNELS:-}" ] || skip "AGENTSH_KERNELS is not set"
ls "$AGENTSH_KERNELS"/vmlinuz-* >/dev/null 2>&1 ||
	skip "no vmlinuz-* in $AGENTSH_KERNELS"
for tool in qemu-system-x86_64 busybox cpio; do
	command -v $tool >/dev/null || skip "no $tool"
done

T=$(mktemp -d) || exit 1
trap 'rm -rf --one-file-system "$T"' EXIT
root=$T/root
mkdir -p "$root"/{bin,proc,sys,dev,tmp,t,usr/bin,etc,lib,lib64,root,run}
cp "$(command -v busybox)" "$root/bin/busybox"
ln -s busybox "$root/bin/sh"
for p in "$build"/tests/escape/floor "$build"/tests/unit/confine/test_confine_*; do
	[ -f "$p" ] && [ -x "$p" ] || continue
	cp "$p" "$root/t/"
	for lib in $(ldd "$p" 2>/dev/null | grep -o '/[^ ]*'); do
		mkdir -p "$root/$(dirname "$lib")"
		cp -L "$lib" "$root/$lib"
	done
done
cat >"$root/init" <<'X'
#!/bin/sh
b=/bin/busybox
$b mount -t proc p /proc
$b mount -t sysfs s /sys
$b mount -t devtmpfs d /dev
$b mkdir -p /dev/pts
$b mount -t devpts p /dev/pts
$b mount -t tmpfs t /tmp
$b mount -t cgroup2 c /sys/fs/cgroup
$b ifconfig lo 127.0.0.1 up
cd /t
for t in *; do
	./$t >/tmp/out 2>&1 && echo "PASS $t" && continue
	$b cat /tmp/out
	echo "LOST $t"
done
# as under systemd with Delegate=: alone in a cgroup that is not the root
$b mkdir /sys/fs/cgroup/unit
echo "+memory +pids +cpu" >/sys/fs/cgroup/cgroup.subtree_control
if $b sh -c 'echo $$ >/sys/fs/cgroup/unit/cgroup.procs
	exec ./test_confine_cgroup' >/tmp/out 2>&1 &&
	$b grep -q "v2: memory pids cpu" /tmp/out && $b rmdir /sys/fs/cgroup/unit
then
	echo "PASS delegated"
else
	$b cat /tmp/out
	$b find /sys/fs/cgroup/unit -type d
	echo "LOST delegated"
fi
echo ALL-DONE
$b reboot -f
X
chmod +x "$root/init"
(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$T/initrd"

bad=0
for kernel in "$AGENTSH_KERNELS"/vmlinuz-*; do
	log=$T/log
	# qemu 7.2 now and then corrupts a guest on cmpxchg16b: do without
	timeout 120 qemu-system-x86_64 -accel tcg -M q35 -cpu max,-cx16 -smp 1 \
		-m 768 -nodefaults -no-user-config -display none -vga none \
		-serial stdio -no-reboot -kernel "$kernel" -initrd "$T/initrd" \
		-append "console=ttyS0 panic=-1 quiet loglevel=3 \
lsm=landlock,lockdown,yama,integrity,bpf cgroup_no_v1=all" \
		</dev/null 2>&1 | tr -d '\r' >"$log"
	if grep -q ALL-DONE "$log" && ! grep -q LOST "$log"; then
		echo "${kernel##*/}: $(grep -c ^PASS "$log") programs pass"
	else
		echo "${kernel##*/}:"
		tail -60 "$log"
		bad=1
	fi
done
exit $bad
