#!/bin/bash
# SPDX-License-Identifier: MIT
# check-image.sh TREE [BASE-TREE] - is this unpacked image fit to ship?
#
# TREE: the image's root file system (docker export IMAGE | tar -x -C TREE).
# No compilers, no build tree, no setuid program of ours, all our parts; with
# BASE-TREE, at most 60 MB over it.
set -u
tree=${1:?root file system of the image}
base=${2:-}
limit_mb=60
bad=0
complain() { echo "check-image: $*"; bad=1; }

for f in usr/bin/agentsh usr/bin/agentsh-shell-shim \
	usr/libexec/agentsh/agentsh-tracer usr/libexec/agentsh/agentsh-netproxy \
	usr/libexec/agentsh/agentsh-edge \
	usr/lib/agentsh/bash_startup.sh; do
	[ -f "$tree/$f" ] || complain "missing: $f"
done
find "$tree" -xdev \( -name 'gcc*' -o -name 'cc1' -o -name 'clang*' -o \
	-name meson -o -name ninja \) -type f -perm -100 >/tmp/check-image.$$
[ ! -s /tmp/check-image.$$ ] || complain "compilers: $(head -3 /tmp/check-image.$$)"
rm -f /tmp/check-image.$$
for f in "$tree"/usr/bin/agentsh* "$tree"/usr/libexec/agentsh/*; do
	[ -e "$f" ] || continue
	[ ! -u "$f" ] && [ ! -g "$f" ] || complain "setuid: $f"
	size=$(stat -c %s "$f")
	[ "$size" -le $((8 << 20)) ] || complain "$f is $((size >> 20)) MB"
	! readelf -S "$f" 2>/dev/null | grep -q '\.debug_info' ||
		complain "$f has debug information"
done
[ ! -d "$tree/src" ] || complain "the build stage's /src is in it"
if [ -n "$base" ]; then
	over=$((($(du -sk "$tree" | cut -f1) - $(du -sk "$base" | cut -f1)) / 1024))
	echo "check-image: $over MB over its base (limit $limit_mb)"
	[ $over -le $limit_mb ] || complain "too large"
fi
exit $bad
