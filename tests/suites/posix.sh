#!/bin/bash
# SPDX-License-Identifier: MIT
# posix.sh [EVERY] - file system suites natively and on the mount
#
# Each suite runs on a plain directory and on the mount over such a directory;
# whatever passes natively must pass on the mount. EVERY: only each EVERYth case
# of the matrix (CI: 41; 1 = all, some minutes; 0 = none). Suites that are not on this
# machine are named and left out; PJDFSTEST names a built pjdfstest tree and
# XFSTESTS a tree with ltp/fsx and ltp/fsstress.
. "$(dirname "$0")/../cases/vfs/lib.sh"
every=${1:-41}
long=$([ "$every" = 1 ] && echo yes)
bin=$AGENTSH_BUILD/tests/suites
bad=0

# What FUSE cannot do, or the mount does on purpose: nodev; the kernel has no
# FALLOC_FL_COLLAPSE_RANGE for FUSE and no RWF_DONTCACHE, and O_DIRECT takes
# memory that is aligned to nothing.
known() {
	grep -vE '^(fd-collapse|direct|io flag 80|open-[a-z0-9]* char)'
}

report() { printf '%-28s native %-22s mount %s\n' "$1" "$2" "$3"; }

# The mount with all privileges: as mount_base_dir shows it to the host.
mkdir "$T/plain" "$WS/w"
"$bin/posix-matrix" "$T/plain" "$every" >"$T/native"
TIMEOUT=1500 mounted "$bin/posix-matrix" "$WS/w" "$every"
[ "$STATUS" = 0 ] || fail "posix-matrix on the mount: $STATUS"
diff <(known <"$T/native") <(known <"$T/out") >"$T/diff" || bad=1
report matrix "$(wc -l <"$T/native") answers" "$(grep -c '^>' "$T/diff") differ"
head -20 "$T/diff"

suite() { # NAME CMD...: in an empty directory, natively and on the mount
	local name=$1 a b
	shift
	rm -rf "$T/plain" "$WS/w"
	mkdir "$T/plain" "$WS/w"
	(cd "$T/plain" && "$@") >"$T/s.native" 2>&1 </dev/null
	a=$?
	TIMEOUT=900 mounted bash -c 'cd w && "$@"' - "$@"
	b=$STATUS
	report "$name" "status $a" "status $b"
	[ "$a" != 0 ] || [ "$b" = 0 ] || {
		tail -5 "$T/out" "$T/err"
		bad=1
	}
}

for seed in 1 2 3; do
	suite "data $seed" "$bin/data-ops" file "$seed" "${long:+20000}"
done
if [ -n "$long" ] && command -v stress-ng >/dev/null; then
	for s in access chdir chmod chown dentry dir dirdeep fallocate fcntl filename \
		flock fpunch fsize fstat getdent hdd inode-flags iomix lease link locka \
		lockf lockofd mknod mmap open rename seek symlink touch utime xattr; do
		suite "stress-ng $s" stress-ng --"$s" 1 -t 1 --verify --temp-path . -q
	done
else
	echo 'left out: stress-ng'
fi
if [ -n "$long" ] && command -v fio >/dev/null; then
	suite 'fio verify' fio --name=v --filename=f --size=16m --rw=randwrite --bs=4k \
		--verify=crc32c --do_verify=1 --end_fsync=1 --minimal
	suite 'fio mmap verify' fio --name=v --filename=f --size=8m --rw=randwrite --bs=4k \
		--ioengine=mmap --verify=crc32c --minimal
else
	echo 'left out: fio'
fi
if [ -n "$long" ] && command -v dbench >/dev/null; then
	suite dbench dbench -D . -t 5 2
else
	echo 'left out: dbench'
fi
if [ -n "$long" ] && command -v bonnie++ >/dev/null; then
	suite bonnie++ bonnie++ -d . -s 64M -r 32M -n 2 -u root -q
else
	echo 'left out: bonnie++'
fi
if [ -n "${PJDFSTEST:-}" ]; then
	suite pjdfstest prove -q -r "$PJDFSTEST/tests"
else
	echo 'left out: pjdfstest (PJDFSTEST names its tree)'
fi
if [ -n "${XFSTESTS:-}" ]; then
	suite fsx "$XFSTESTS/ltp/fsx" -N 10000 file
	suite fsstress "$XFSTESTS/ltp/fsstress" -d . -n 1500 -p 4 -s 1
else
	echo 'left out: fsx, fsstress (XFSTESTS names their tree)'
fi
[ "$bad" = 0 ] || fail 'the mount differs'
