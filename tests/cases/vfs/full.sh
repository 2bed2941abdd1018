#!/bin/bash
# SPDX-License-Identifier: MIT
# full.sh - a full disk: commands get ENOSPC or go on, files can be removed, and
# all of it can be undone on the disk that is still full
POLICY_FILE=$(dirname "$0")/../../suites/allow.yaml
CONFIG_EXTRA='sandbox: {fuse: {enabled: true}}'
. "$(dirname "$0")/../lib/case.sh"
command -v mkfs.ext4 >/dev/null || skip 'no mkfs.ext4'
truncate -s 24M "$T/img"
mkfs.ext4 -q -F "$T/img" && mount -o loop "$T/img" "$WS" 2>/dev/null ||
	skip 'no loop device'
trap 'st=$?; agentsh session destroy s >/dev/null 2>&1; umount -l "$WS"; (exit $st); case_cleanup' EXIT
start_server
mkdir "$WS/d"
for i in $(seq 40); do head -c 100000 /dev/urandom >"$WS/d/$i"; done
sums() { (cd "$WS" && find d -type f -print0 | sort -z | xargs -0 sha256sum); }
before=$(sums)

in_session bash -c 'head -c 60000000 /dev/zero >big && exit 9
	rm d/1 d/2 d/3 d/4 d/5 || exit 10
	for i in 11 12 13; do echo new >d/$i && exit 11; done 2>/dev/null
	echo more >>d/21; echo more >>d/22
	mv d/31 d/32 || exit 12
	: >d/35 && exit 13
	chmod 600 d/36 && cat d/11 d/12 d/35 | wc -c'
expect_status 0
expect_out 300000
in_session rm big
expect_status 0
run bash -c "cd '$WS' && '$AGENTSH_BUILD/cli/agentsh' undo --since 1h"
cat "$T/out"
[ "$(sums)" = "$before" ] || {
	diff <(echo "$before") <(sums)
	fail 'not as before'
}
run bash -c "cd '$WS' && '$AGENTSH_BUILD/cli/agentsh' trash purge --quota 0"
expect_status 0
in_session bash -c 'echo new >d/11 && cat d/11'
expect_out new
