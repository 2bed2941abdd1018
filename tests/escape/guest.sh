#!/bin/bash
# SPDX-License-Identifier: MIT
# guest.sh - runs inside the guest of kernels.sh: set up, run, one line per test
#
# /tests lists "NAME SECONDS COMMAND..."; the result of each goes to the console
# as PASS, SKIP (with what is missing) or LOST (with the end of its output).
export PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin HOME=/root TMPDIR=/tmp
export LC_ALL=C.UTF-8
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts -o ptmxmode=666 pts /dev/pts
mount -t tmpfs shm /dev/shm
# the tree itself may be below it
case $AGENTSH_BUILD in
/tmp/*) chmod 1777 /tmp ;;
*) mount -t tmpfs tmp /tmp ;;
esac
mount -t tmpfs run /run
mount -t cgroup2 cgroup /sys/fs/cgroup
ln -sf /proc/self/fd /dev/fd
ln -sf pts/ptmx /dev/ptmx
for m in /modules/*.ko; do
	[ -f "$m" ] && busybox insmod "$m"
done
mkdir /disk
busybox mknod /dev/loop0 b 7 0 2>/dev/null
busybox losetup /dev/loop0 /disk.img && mount -t ext4 /dev/loop0 /disk
[ -c /dev/fuse ] || busybox mknod /dev/fuse c 10 229
busybox ifconfig lo 127.0.0.1 up
# Servers start as under systemd with Delegate=: alone in a cgroup of their own.
mkdir /sys/fs/cgroup/init /sys/fs/cgroup/unit
echo $$ >/sys/fs/cgroup/init/cgroup.procs
echo "+memory +pids +cpu" >/sys/fs/cgroup/cgroup.subtree_control
echo "+memory +pids +cpu" >/sys/fs/cgroup/unit/cgroup.subtree_control
cat >/alone <<'X'
#!/bin/sh
shift # the --
d=/sys/fs/cgroup/unit/case.$$
mkdir $d
echo $$ >$d/cgroup.procs
exec "$@"
X
chmod +x /alone
export AGENTSH_JAIL=/alone
# Nothing is asserted about time in an emulated machine.
export AGENTSH_LOOPS=9 AGENTSH_TREE_SECONDS=6 AGENTSH_LIMIT_MS=60000
export AGENTSH_TRACED_SECONDS=600
exec </dev/null
echo "UP $(uname -r) $(cut -d' ' -f1 /proc/uptime)"

cd "$AGENTSH_BUILD" || exit 1 # where meson starts tests
while read -r name seconds command; do
	began=$SECONDS
	timeout -k 5 "$seconds" sh -c "exec $command" >/tmp/result 2>&1
	status=$?
	took=$((SECONDS - began))
	case $status in
	0) echo "PASS $name ($took s)" ;;
	77) echo "SKIP $name: $(tail -1 /tmp/result)" ;;
	*)
		echo "LOST $name: status $status ($took s)"
		tail -30 /tmp/result | cut -c1-300 | sed 's/^/  | /'
		;;
	esac
	if [ "${name%%/*}" = detect ]; then sed 's/^/DETECT /' /tmp/result; fi
done </tests
echo "DONE $(cut -d' ' -f1 /proc/uptime)"
sync
busybox reboot -f
