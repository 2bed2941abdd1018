# SPDX-License-Identifier: MIT
# checkpoint.sh - marks: made at once, listed, compared, gone back to, forgotten
. "$(dirname "$0")/lib.sh"
begin
NAME=checkpoint
cd "$WS" || fail cd
mkdir -p .hidden d
git init -q . && seq 9 >d/a && seq 8 >b && seq 7 >.hidden/h && git add . &&
	git -c user.name=a -c user.email=a@b commit -qm one
cp_() { run agentsh checkpoint "$@"; }
take before
cp_ create --session s --workspace "$WS" --reason 'before the change'
expect_status 0
expect_out 'Can rollback: true'
id=$(sed -n 's/^Created checkpoint //p' "$T/out")
[ -n "$id" ] || fail 'no id'
cp_ list --session s --workspace "$WS"
expect_out "$id"
expect_out 'before the change'
cp_ list --session s --workspace "$WS" --json
jq -e '.[0].can_rollback' "$T/out" >/dev/null || fail 'JSON'
cp_ rollback "$id" --session s --workspace "$WS"
expect_out 'No changes to rollback'

in_session bash -c "cd $WS; echo x >d/a; rm b; echo new >added; rm -r .hidden; mkdir n; echo y >n/f"
expect_status 0
in_session bash -c "cd $WS; git -c user.name=a -c user.email=a@b commit -qam two; mv added n/g"
expect_status 0
take after
cp_ show "$id" --session s --workspace "$WS" --diff
expect_out 'M d/a'
expect_out '+ b (restore deleted)'
expect_out "- n/g"
expect_out '--- a/d/a'
expect_out '@@ -1'
cp_ rollback "$id" --session s --workspace "$WS" --dry-run
expect_out 'Will restore'
take still
same after still 'dry run'
cp_ rollback "${id:0:8}" --session s --workspace "$WS"
expect_status 0
expect_out 'Rolled back'
take back
same before back 'rollback'
# what was added since is in the quarantine, and a rollback can be undone
(cd "$WS" && agentsh undo --redo) >/dev/null || fail 'undo of the rollback'
take again
same after again 'undo of the rollback'

for _ in 1 2 3; do cp_ create --session s --workspace "$WS"; done
cp_ purge --session s --workspace "$WS" --keep 1
expect_out 'Purged 3 checkpoints'
finish
