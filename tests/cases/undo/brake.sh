# SPDX-License-Identifier: MIT
# brake.sh - a command that destroys too much is stopped, or waits for a person
CONFIG_EXTRA='sandbox: {fuse: {brake: {action: deny, max_files: 5}}}'
. "$(dirname "$0")/lib.sh"
begin
mkdir "$WS/d"
for i in $(seq 20); do echo "$i" >"$WS/d/$i"; done
in_session bash -c "cd $WS; for i in \$(seq 50); do echo \$i >t\$i; rm t\$i; done"
expect_status 0
in_session bash -c "rm $WS/d/*"
[ "$STATUS" != 0 ] || fail 'not stopped'
expect_err 'Operation not permitted'
[ "$(ls "$WS/d" | wc -l)" = 15 ] || fail "$(ls "$WS/d" | wc -l) of 20 left"
expect_event '.type == "file_delete" and .fields.brake == true'
undo || fail undo
[ "$(ls "$WS/d" | wc -l)" = 20 ] || fail 'not all back'
# each command anew
in_session bash -c "rm $WS/d/1 $WS/d/2"
expect_status 0
