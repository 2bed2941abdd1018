# SPDX-License-Identifier: MIT
# verdicts.sh - each decision of a file rule on the mount, from the policy to the
# disk: allow, audit, deny, redirect, soft_delete, and approve, for which one
# operation waits while the rest of the mount goes on
. "$(dirname "$0")/../server/lib.sh"

cat >"$T/policy.yaml" <<'YAML'
version: 1
name: verdicts
file_rules:
  - {name: no, paths: ["${PROJECT_ROOT}/no/**"], operations: ["*"], decision: deny}
  - {name: watch, paths: ["${PROJECT_ROOT}/seen/**"], operations: [write, create, open], decision: audit}
  - name: ask
    paths: ["${PROJECT_ROOT}/precious/**"]
    operations: [delete, rename, write]
    decision: approve
    message: really?
  - name: elsewhere
    paths: ["${PROJECT_ROOT}/logs/**"]
    operations: [write, create, open, stat, delete]
    decision: redirect
    redirect_to: kept
  - {name: soft, paths: ["${PROJECT_ROOT}/soft/**"], operations: [delete, rmdir], decision: soft_delete}
  - {name: rest, paths: ["/**"], operations: ["*"], decision: allow}
command_rules:
  - {name: rest, commands: ["*"], decision: allow}
YAML
POLICY_FILE=$T/policy.yaml
CONFIG_EXTRA=$(printf 'sandbox: {fuse: {enabled: true}}\napprovals: {enabled: true, mode: local_tty, timeout: 1h}')
start_server
mkdir -p "$WS"/{no,seen,precious,logs,soft,kept}
for d in no seen precious soft; do echo "old $d" >"$WS/$d/f"; done
in_session grep -c fuse.agentsh /proc/self/mountinfo
[ "$STATUS" = 0 ] || skip "no mount here"

in_session bash -c 'cat no/f; echo x >no/g; rm no/f; [ ! -e no/f ] && echo hidden
	echo new >seen/f && cat seen/f
	echo line >logs/a && cat logs/a
	rm soft/f && [ ! -e soft/f ] && echo gone'
expect_no_out 'old no'
expect_out 'new'
expect_out 'line'
expect_out 'gone'
[ "$(cat "$WS/no/f")" = 'old no' ] && [ ! -e "$WS/no/g" ] || fail 'deny'
[ ! -e "$WS/logs/a" ] && [ "$(cat "$WS/kept/a")" = line ] || fail "redirect: $(find "$WS/kept" "$WS/logs")"
expect_event '.path != null and (.path | endswith("/no/f")) and .effective_action == "blocked"'
expect_event '.path != null and (.path | endswith("/seen/f")) and .policy.decision == "audit"'
expect_event '.type == "file_soft_deleted" and (.path | endswith("/soft/f"))'
(cd "$WS" && agentsh undo) >"$T/undo" 2>&1 || fail "undo"
[ "$(cat "$WS/soft/f")" = 'old soft' ] || fail 'soft_delete: not brought back'

ask() { # DECISION COMMAND...: waits, while another command works in the mount
	local decision=$1
	shift
	"$AGENTSH_BUILD/cli/agentsh" exec --root="$WS" s -- "$@" >"$T/a.out" 2>"$T/a.err" &
	asker=$!
	wait_for asked
	start=$(date +%s%N)
	in_session bash -c 'for i in 1 2 3 4 5; do echo $i >f$i; cat f$i; mv f$i g$i; rm g$i; done; ls precious'
	expect_status 0
	expect_out f
	meanwhile=$((($(date +%s%N) - start) / 1000000))
	[ -e "$WS/precious/f" ] || fail 'not waited for'
	local_api GET /api/v1/approvals
	id=$(jq -r '.[0].id' "$T/out")
	local_api POST "/api/v1/approvals/$id" "{\"decision\":\"$decision\"}"
	expect_code 200
	wait $asker
	STATUS=$?
}
asked() {
	local_api GET /api/v1/approvals
	jq -e '.[0] | .kind == "file" and (.target | endswith("/precious/f"))' "$T/out" >/dev/null
}
ask deny rm precious/f
[ "$STATUS" != 0 ] && [ -e "$WS/precious/f" ] || fail 'removed against the answer'
ask approve rm precious/f
[ "$STATUS" = 0 ] && [ ! -e "$WS/precious/f" ] || fail 'not removed'
(cd "$WS" && agentsh undo) >"$T/undo" 2>&1
[ "$(cat "$WS/precious/f")" = 'old precious' ] || fail 'approved, but not kept'
ask approve bash -c 'echo rewritten >precious/f'
[ "$STATUS" = 0 ] && [ "$(cat "$WS/precious/f")" = rewritten ] || fail 'not written'
echo "worked for $meanwhile ms meanwhile"
