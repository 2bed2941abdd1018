#!/bin/bash
# SPDX-License-Identifier: MIT
# A session with sandbox.fuse.enabled: its commands see the workspace through
# the mount, the host sees the plain directory, what is destroyed comes back,
# and where nothing can be mounted the session goes on without and says so.
CONFIG_EXTRA='sandbox: {fuse: {enabled: true, audit: {mode: soft_delete}}}'
. "$(dirname "$0")/../lib/case.sh"
start_server

snapshot() {
	(cd "$WS" && find . -path ./.agentsh_trash -prune -o -type d -printf '%p %y %m\n' \
		-o -printf '%p %y %m %s\n' |
		sort && find . -path ./.agentsh_trash -prune -o -type f -print0 |
		sort -z | xargs -0 sha256sum)
}
mkdir -p "$WS/d/e"
for i in 1 2 3 4 5; do echo "file $i" >"$WS/d/e/f$i"; done
echo one >"$WS/a.txt"
ln -s a.txt "$WS/link"
before=$(snapshot)

in_session grep -c "fuse.agentsh" /proc/self/mountinfo
if [ "$STATUS" != 0 ]; then
	grep -q "without:.*fuse" "$T/err" || fail "not said that the mount is missing"
	[ -n "${AGENTSH_JAIL:-}" ] || [ ! -w /dev/fuse ] ||
		fail "no mount although /dev/fuse is there"
	mounted=
else
	# what else this kernel may lack (Landlock, before 5.13) is not asked here
	! grep -q "without:.*fuse" "$T/err" || fail "a mount, and said without"
	mounted=yes
	grep -q "$WS" /proc/self/mountinfo && fail "the host sees the mount"
fi
in_session bash -c 'rm -rf d && echo two >a.txt && sed -i s/two/three/ a.txt && mv a.txt b.txt && echo new >c && cat b.txt'
expect_status 0
expect_out three
[ ! -e "$WS/d" ] && [ "$(cat "$WS/b.txt")" = three ] ||
	fail "the host does not see what the command did"
expect_event '.type == "file_soft_deleted" and (.path | endswith("/f3"))'
# one judge, one record for each operation
agentsh events query --session s --limit 5000 |
	jq -r --arg ws "$WS" '.[] | select((.path // "" | startswith($ws)) and
		(.operation == "delete" or .operation == "rmdir" or .operation == "rename") and
		(.type == "file_soft_deleted" | not)) |
		[.operation, .path, .pid] | @tsv' | sort | uniq -d >"$T/twice"
[ ! -s "$T/twice" ] || fail "recorded twice: $(head -3 "$T/twice")"
# the line after the command, and its figures
in_session bash -c 'rm b.txt; echo x >c; mkdir n'
[ "$STATUS" = 0 ] && expect_err 'bring back with: agentsh undo --command'
run bash -c "cd '$WS' && '$AGENTSH_BUILD/cli/agentsh' undo && '$AGENTSH_BUILD/cli/agentsh' undo status"
expect_status 0
[ -z "$mounted" ] || expect_out 'Caught by: a FUSE mount'

in_session bash -c 'cat /etc/shadow; ls .agentsh_trash/store'
expect_no_out root:
[ "$STATUS" != 0 ] || fail "reached what is closed"

run bash -c "cd '$WS' && '$AGENTSH_BUILD/cli/agentsh' undo"
expect_status 0
[ "$before" = "$(snapshot)" ] || {
	diff <(echo "$before") <(snapshot)
	fail "not as before"
}
run agentsh session destroy s
expect_status 0
grep -q fuse.agentsh /proc/self/mountinfo && fail "a mount was left"
exit 0
