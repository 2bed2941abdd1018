# SPDX-License-Identifier: MIT
# The audit log's disk is full: nothing runs unrecorded, nothing recorded is
# lost, and it goes on by itself when there is room again.
# A container of the tests has a small disk.
if [ -z "${FULL_DISK_NS:-}" ] && [ ! -d /disk/tiny ]; then
	unshare -m true 2>/dev/null || { echo "SKIP: no CAP_SYS_ADMIN for a mount namespace"; exit 77; }
	FULL_DISK_NS=1 exec unshare -m --propagation private bash "$0"
fi
. "$(dirname "$0")/lib.sh"
if [ -n "${FULL_DISK_NS:-}" ]; then
	trap 'status=$?; umount -l "$T/data" 2>/dev/null; (exit $status); case_cleanup' EXIT
	mount -t tmpfs -o size=2m none "$T/data" || skip "no tmpfs"
else
	trap 'status=$?; rm -rf /disk/tiny/*; (exit $status); case_cleanup' EXIT
	rmdir "$T/data" && ln -s /disk/tiny "$T/data"
fi
start_server
new_session s
sh_exec 'echo one'
expect_json '.result.stdout == "one\n"'
FIRST=$(jq -r .command_id "$T/out")

head -c 2000000 /dev/zero >"$T/data/filler" 2>/dev/null
for i in 1 2 3 4 5 6 7 8; do
	# each batch has to be written when its command ends
	sh_exec 'for i in $(seq 60); do : </etc/hostname; done; echo done' \
		'include_events: "none"'
done
api GET /health
expect_code 200
grep -q 'cannot' "$T/server.log" || fail "the disk was not full"

rm "$T/data/filler"
# what waited is written before anything else happens
all_there() {
	api GET "/api/v1/sessions/s/history?type=command_finished&limit=100"
	jq -e 'length == 9' "$T/out" >/dev/null
}
wait_for all_there
sh_exec 'echo two'
expect_json '.result.stdout == "two\n"'
api GET "/api/v1/sessions/s/history?type=command_finished&limit=100"
expect_json "any(.[]; .command_id == \"$FIRST\")"
expect_json 'length == 10'
kill "$SERVER_PID"
wait "$SERVER_PID"
SERVER_PID=
[ "$(sqlite3 "$T/data/events.db" 'PRAGMA integrity_check' 2>/dev/null || echo ok)" = ok ] || fail "database"
