#!/bin/bash
# SPDX-License-Identifier: MIT
# vfs.sh [ROUNDS] - the workspace file system against its rivals, in one run
#
# Everything on one journaled ext4 on a loop device. Modes: native; vfs, the
# mount alone with quarantine and record (vfs-host); bare, the least that any
# FUSE file system can do (vfs_floor.c, where it was built); agentsh, a governed
# command on it; floor, a governed command without it; bindfs and fuse-overlayfs
# where installed; MODES chooses, also vfs_asleep (without core/wakeful.h),
# vfs_apart (threads do not follow their clients), vfs_before ($VFS_BEFORE,
# another build of agentsh-vfs). Prints the least time of the rounds and its
# ratio to native.
ROUNDS=${1:-3}
POLICY_FILE=$(dirname "$0")/../suites/allow.yaml
. "$(dirname "$0")/../cases/lib/case.sh"
[ "$(id -u)" = 0 ] || skip 'needs root'
truncate -s 3G "$T/img"
mkfs.ext4 -q -F "$T/img" && mkdir "$T/fs" && mount -o loop "$T/img" "$T/fs" ||
	skip 'no loop device'
trap 'st=$?; for m in "$T"/fs/*/mnt "$T/fs"; do umount -l "$m" 2>/dev/null; done; (exit $st); case_cleanup' EXIT
WS=$T/fs/agentsh/ws
mkdir -p "$T/src" "$T/fs"/{native,vfs,bare,agentsh,floor}/ws
for d in $(seq 100); do
	mkdir "$T/src/d$d"
	for f in $(seq 50); do head -c $((f * 60)) /dev/urandom >"$T/src/d$d/f$f"; done
done
(cd "$T/src" && git init -q . && git -c user.name=a -c user.email=a@b add -A &&
	git -c user.name=a -c user.email=a@b commit -qm one)
tar -C "$T" -cf "$T/src.tar" src
cat >"$T/steps" <<'END'
step() { local a=$(date +%s%N) n=$1; shift; "$@" >/dev/null 2>&1; echo "$n $(($(date +%s%N) - a))"; }
tar=$1
cd "$2" && rm -rf src keep
step untar tar xf "$tar" --no-same-owner
step find-cold find src -newer "$tar" -size +1M
step find-warm find src -newer "$tar" -size +1M
step grep-1st grep -rq nosuchtext src
step grep-2nd grep -rq nosuchtext src
cd src
step git-status-1st git -c safe.directory='*' status -s
step git-status-2nd git -c safe.directory='*' status -s
step checkout bash -c 'rm -rf d1? && git -c safe.directory="*" checkout -q .'
step renames bash -c 'for i in d2 d3 d4; do for f in $i/*; do echo "mv $f $f.x"; done; done | python3 -c "
import os, sys
for l in sys.stdin:
    a, b = l.split()[1:]
    os.rename(a, b); open(a, \"w\").write(\"new\"); os.rename(a, b)"'
cd ..
step write-1M dd if=/dev/zero of=big bs=1M count=200 conv=notrunc
step read-1M dd if=big of=/dev/null bs=1M
step write-4k dd if=/dev/zero of=big bs=4k count=20000 conv=notrunc
step rm-big rm big
step rm-rf rm -rf src
END
export AGENTSH_BUILD
run_native() { bash "$T/steps" "$T/src.tar" "$T/fs/native/ws"; }
mounted() { # DIR SETTINGS
	mkdir -p "$T/fs/$1/ws"
	rm -rf "$T/fs/$1/ws/.agentsh_trash"
	echo "$2" >"$T/settings.json"
	"$AGENTSH_BUILD/tests/cases/vfs/vfs-host" -s "$T/settings.json" \
		"${VFS_PROGRAM:-$AGENTSH_BUILD/vfs/agentsh-vfs}" \
		"$T/fs/$1/ws" -- bash "$T/steps" "$T/src.tar" "$T/fs/$1/ws"
}
run_vfs() { mounted vfs '{}'; }
run_vfs_asleep() { mounted asleep '{"stay_awake": false}'; }
run_vfs_apart() { mounted apart '{"vfs.follow_cpu": false}'; }
run_vfs_before() { VFS_PROGRAM=$VFS_BEFORE mounted before '{}'; }
governed() { # DIR CONFIG
	WS=$T/fs/$1/ws CONFIG_EXTRA=$2 PORT=
	rm -rf "$T/config.yaml" "$T/data" "${WS:?}/.agentsh_trash"
	start_server
	in_session true
	agentsh exec --timeout 10m --root="$WS" s -- bash "$T/steps" "$T/src.tar" "$WS"
	kill "$SERVER_PID"
	wait "$SERVER_PID" 2>/dev/null
	SERVER_PID=
}
run_agentsh() { governed agentsh 'sandbox: {fuse: {enabled: true}}'; }
run_floor() { governed floor ''; }
run_bare() {
	"$AGENTSH_BUILD/tests/bench/vfs_floor" "$T/fs/bare/ws" -- \
		bash "$T/steps" "$T/src.tar" "$T/fs/bare/ws"
}
rival() { # NAME MOUNT-COMMAND...
	mkdir -p "$T/fs/$1"/{ws,mnt,work}
	"${@:2}" >/dev/null 2>&1 || return
	bash "$T/steps" "$T/src.tar" "$T/fs/$1/mnt"
	umount -l "$T/fs/$1/mnt"
}
run_bindfs() { rival bindfs bindfs "$T/fs/bindfs/ws" "$T/fs/bindfs/mnt"; }
run_fuse_overlayfs() {
	local d=$T/fs/ovl
	rival ovl fuse-overlayfs -o "lowerdir=$T/run,upperdir=$d/ws,workdir=$d/work" "$d/mnt"
}
modes="native vfs agentsh floor"
[ -x "$AGENTSH_BUILD/tests/bench/vfs_floor" ] && modes="$modes bare"
command -v bindfs >/dev/null && modes="$modes bindfs"
command -v fuse-overlayfs >/dev/null && modes="$modes fuse_overlayfs"
modes=${MODES:-$modes}
for _ in $(seq "$ROUNDS"); do
	for m in $modes; do "run_$m" 2>/dev/null | sed "s/^/$m /" >>"$T/times"; done
done
python3 - "$T/times" $modes <<'END'
import sys
best, steps = {}, []
for line in open(sys.argv[1]):
    mode, step, ns = line.split()
    if step not in steps: steps.append(step)
    best[mode, step] = min(int(ns), best.get((mode, step), 1 << 62))
modes = sys.argv[2:]
print('%-16s' % 'ms; ratio' + ''.join('%16s' % m for m in modes))
for s in steps:
    row = '%-16s' % s
    for m in modes:
        t = best.get((m, s))
        row += '%10.1f %5.2f' % (t / 1e6, t / best['native', s]) if t else '%16s' % '-'
    print(row)
END
