# SPDX-License-Identifier: MIT
# policy.sh - every operation is judged, a denial is EACCES and on record
. "$(dirname "$0")/lib.sh"

POLICY=$T/policy.yaml
cat >"$POLICY" <<END
version: 1
name: test
file_rules:
  - name: hidden
    paths: ["$WS/secret/**", "$WS/secret"]
    operations: ["*"]
    decision: deny
  - name: unread
    paths: ["$WS/unread"]
    operations: [read, open]
    decision: deny
  - name: read-only
    paths: ["$WS/ro/**"]
    operations: [write, create, delete, rename, mkdir, rmdir, chmod, chown, symlink, link, mknod]
    decision: deny
  - name: soft
    paths: ["$WS/soft/**"]
    operations: [delete]
    decision: soft_delete
  - name: all
    paths: ["/**", "/"]
    operations: ["*"]
    decision: allow
END
mkdir -p "$WS"/{secret,ro/d,soft}
echo s >"$WS/secret/key"; echo r >"$WS/ro/f"; echo o >"$WS/out"; echo x >"$WS/soft/x"
SETTINGS='{"vfs.cache_ms": 0}'

denied() {
	mounted bash -c "$1"
	[ "$STATUS" != 0 ] || fail "allowed: $1"
	grep -q 'Permission denied' "$T/err" || fail "not EACCES: $1: $(cat "$T/err")"
	expect_event '.effective_action == "blocked"'
}
denied 'cat secret/key'
denied 'ls secret/'
# an extended attribute is part of what a file holds; its ACL is looked at
echo u >"$WS/unread"
if setfattr -n user.k -v value "$WS/unread" 2>/dev/null; then
	denied 'getfattr --absolute-names -n user.k unread'
	mounted bash -c 'stat unread && getfattr unread'
	[ "$STATUS" = 0 ] || fail 'its attributes cannot be looked at'
fi
denied 'echo x >ro/f'
denied 'echo x >ro/new'
denied 'echo x >>ro/f'
denied 'rm ro/f'
denied 'mv ro/f elsewhere'
denied 'mv out ro/f'
denied 'rmdir ro/d'
denied 'mkdir ro/e'
denied 'chmod 600 ro/f'
denied 'truncate -s 0 ro/f'
denied 'ln ro/f alias'
denied 'ln -s x ro/l'
denied 'mkfifo ro/p'
denied 'cd ro && mv f g'
[ "$(cat "$WS/ro/f")" = r ] || fail 'changed'
mounted bash -c 'cat ro/f && rm soft/x && ls >/dev/null'
[ "$STATUS" = 0 ] || fail 'not allowed'
expect_event '.type == "file_soft_deleted" and (.path | endswith("/soft/x")) and (.fields.trash_token | test("^[0-9]{39}$"))'
token=$(jq -rs 'map(select(.type == "file_soft_deleted"))[0].fields.trash_token' "$T/events")
[ "$(in_ws trash restore "$token")" = "restored to $WS/soft/x" ] || fail restore
[ "$(cat "$WS/soft/x")" = x ] || fail 'not restored'

SETTINGS='{"vfs.mode": "soft_block"}'
denied_mode() { mounted bash -c "$1"; [ "$STATUS" != 0 ] || fail "soft_block: $1"; }
denied_mode 'rm out'
denied_mode 'echo n >n; mv n out'

# a directory under another name: what is in it is judged by where it is now
SETTINGS='{}'
mkdir -p "$WS/free/d"; echo f >"$WS/free/d/f"
denied 'cat free/d/f; mv free/d ro/d2 2>/dev/null || mv free/d soft/d; cat soft/d/f; mkdir ro2; rm ro/f'
mkdir -p "$WS/a/b"; echo x >"$WS/a/b/x"
mounted bash -c 'cat a/b/x; mv a c; cat c/b/x; rm c/b/x'
expect_event ".type == \"file_delete\" and .path == \"$WS/c/b/x\""
