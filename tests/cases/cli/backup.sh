#!/bin/bash
# SPDX-License-Identifier: MIT
# backup.sh - backup while the server runs; restore; archives that are not ours
. "$(dirname "$0")/../lib/case.sh"
start_server
in_session echo recorded
expect_status 0
export AGENTSH_CONFIG=$T/config.yaml
# what a command did is committed when it is asked for, or 50 ms later
expect_event '.type == "command_finished"'

run agentsh backup -o "$T/b.tar.gz" --verify
expect_status 0
expect_out "Backup created: $T/b.tar.gz"
expect_out 'Verification: OK'
[ "$(stat -c %a "$T/b.tar.gz")" = 600 ] || fail "anybody may read it"
tar tzf "$T/b.tar.gz" >"$T/list" || fail "tar cannot read it"
[ "$(sort "$T/list" | xargs)" = "config.yaml events.db policies/default.yaml" ] ||
	fail "entries: $(xargs <"$T/list")"
run agentsh backup -o "$T/b.tar.gz"
expect_status 1 # never over one that exists

run agentsh restore -i "$T/b.tar.gz" --root "$T/new" --dry-run
expect_status 0
expect_out "Would restore: config.yaml -> $T/new/etc/agentsh/config.yaml ("
[ ! -e "$T/new" ] || fail "a dry run wrote"
run agentsh restore -i "$T/b.tar.gz" --root "$T/new" --verify
expect_status 0
cmp "$T/config.yaml" "$T/new/etc/agentsh/config.yaml" || fail "config"
cmp "$T/policies/default.yaml" "$T/new/etc/agentsh/policies/default.yaml" ||
	fail "policy"
run agentsh audit verify "$T/new/var/lib/agentsh/events.db"
expect_status 0
run agentsh events query --direct-db --session s \
	--db-path "$T/new/var/lib/agentsh/events.db"
expect_out command_finished

# a database in use is not replaced under its server
mkdir -p "$T/busy/var/lib/agentsh"
ln "$T/data/events.db" "$T/busy/var/lib/agentsh/events.db"
run agentsh restore -i "$T/b.tar.gz" --root "$T/busy"
expect_status 1
expect_err 'stop the server first'

# damaged, cut short, foreign, and with a way out of the directory
head -c 600 "$T/b.tar.gz" >"$T/cut.tar.gz"
run agentsh restore -i "$T/cut.tar.gz" --root "$T/x" --verify
expect_status 1
expect_err 'is damaged or no backup'
echo hello | gzip >"$T/hello.gz"
run agentsh restore -i "$T/hello.gz" --root "$T/x"
expect_status 1
mkdir -p "$T/evil/policies"
echo x >"$T/evil/policies/x"
for name in ../../etc/passwd /etc/passwd policies/../../../x policies/.hidden other; do
	tar -C "$T/evil" --format=ustar -P --transform="s|.*|$name|" \
		-czf "$T/evil.tar.gz" policies/x
	run agentsh restore -i "$T/evil.tar.gz" --root "$T/x"
	expect_status 1
	expect_err 'an entry that no backup has'
done
ln -s /etc/passwd "$T/evil/policies/link"
tar -C "$T/evil" --format=ustar -czf "$T/evil.tar.gz" policies/link
run agentsh restore -i "$T/evil.tar.gz" --root "$T/x"
expect_status 1
[ ! -e "$T/x" ] || fail "something was written"
