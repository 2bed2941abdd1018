# SPDX-License-Identifier: MIT
# approvals.sh - a request waits for its approval, the rest of the mount goes on
. "$(dirname "$0")/lib.sh"

POLICY=$T/policy.yaml
cat >"$POLICY" <<END
version: 1
name: test
file_rules:
  - name: ask
    paths: ["$WS/precious/**"]
    operations: [delete]
    decision: approve
    message: really?
  - name: all
    paths: ["/**", "/"]
    operations: ["*"]
    decision: allow
END
SETTINGS='{"approvals.enabled": true}'
mkdir -p "$WS/precious"
echo x >"$WS/precious/a"; echo x >"$WS/precious/b"

APPROVE=later
mounted bash -c 'rm precious/a & p=$!
	for i in 1 2 3; do echo $i >f$i; rm f$i; done
	[ -e precious/a ] && echo meanwhile
	kill -USR2 $PPID
	wait $p; echo "rm $?"'
grep -q 'rm 0' "$T/out" || fail 'not approved'
grep -q meanwhile "$T/out" || fail 'the mount stood still'
[ ! -e "$WS/precious/a" ] || fail 'not removed'

APPROVE=no
mounted rm precious/b
[ "$STATUS" = 1 ] || fail 'removed against the answer'
grep -q 'Permission denied' "$T/err" || fail 'wrong error'
expect_event '.effective_action == "blocked" and .policy.rule == "ask"'
[ -e "$WS/precious/b" ] || fail 'removed'
