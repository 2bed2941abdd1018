# SPDX-License-Identifier: MIT
# same.sh - the same operations, whoever catches them: notifications, with
# ptrace beside, ptrace alone, the mount. Same answers, same events.
. "$(dirname "$0")/lib.sh"
VFS_HOST=$AGENTSH_BUILD/tests/cases/vfs/vfs-host

cat >"$T/same.yaml" <<-YAML
	version: 1
	name: same
	file_rules:
	  - name: closed
	    paths: ["$WS/closed/**"]
	    operations: ["*"]
	    decision: deny
	  - {name: rest, paths: ["/**", "/"], operations: ["*"], decision: allow}
	command_rules:
	  - {name: no-id, commands: [id], decision: deny}
	  - name: other
	    commands: [hostname]
	    decision: redirect
	    redirect_to: {command: sh, args: ["-c", "exit \$((WORD + \$#))", sh, a, b], environment: {WORD: "40"}}
	  - {name: none, commands: [arch], decision: redirect, redirect_to: {command: ./missing}}
	  - {name: rest, commands: ["*"], decision: allow}
	network_rules:
	  - {name: no-metadata, cidrs: ["169.254.0.0/16"], decision: deny}
	  - {name: no-port, cidrs: ["127.0.0.0/8"], ports: [9], decision: deny}
YAML
POLICY=$T/same.yaml

prepare() {
	find "$WS" -mindepth 1 -delete
	for d in ws closed; do
		mkdir -p "$WS/$d"/{dir,rmdir,full/x}
		for f in read read2 read3 write trunc append truncate unlink \
			rename over victim chmod chown utime xattr; do
			echo "$d $f" >"$WS/$d/$f"
		done
		ln -s "$d" "$WS/$d-link"
	done
	cp "$(type -P id)" "$WS/copy"
	cp "$HERE/same.py" "$WS/same.py"
}

# type, path, what happened and by which rule, of what was done in the workspace
events() {
	jq -r --arg ws "$WS/" 'select(.type != "receipt") |
		select((.path // .filename // .remote // "") as $p |
			($p | startswith($ws)) or (.type | test("execve|net_|signal|seccomp"))) |
		[.type, .path // .filename // .remote // .fields.syscall // "",
		 .effective_action, .policy.rule // ""] | @tsv' "$1" |
		grep -v -e '/same\.py' -e /python -e "$(printf '\t')/proc" | sort -u
}

caught() { # NAME LAYERS
	prepare
	AGENTSH_LAYERS=$2
	export AGENTSH_LAYERS
	SETTINGS='{"seccomp": {"notify_signals": true}}'
	traced env SAME_MORE=1 python3 same.py
	expect_status 0
	cp "$T/out" "$T/$1.out"
	events "$T/events" >"$T/$1.events"
}
same() {
	cmp -s "$T/$1" "$T/$2" || {
		diff "$T/$1" "$T/$2"
		fail "$1 and $2 differ"
	}
}

caught notify '{}'
# (a python3 that is a script of pyenv adds fifteen)
[ "$(grep -c . "$T/notify.events")" -gt 70 ] || fail "too few events"
grep -q '^closed read: EACCES' "$T/notify.out" || fail "$(cat "$T/notify.out")"
grep -q '^exec copy: 13' "$T/notify.out" || fail "$(cat "$T/notify.out")"
[ "$(grep -c '^exec redirected.*: 42$' "$T/notify.out")" = 7 ] || fail "$(cat "$T/notify.out")"
python3 "$SRC/tests/lib/host_look.py" | jq -e .ptrace >/dev/null ||
	skip "no ptrace here to compare with"
caught both '{"ptrace": {"enabled": true}}'
same notify.out both.out
same notify.events both.events
caught alone '{"ptrace": {"enabled": true}, "seccomp": {"notify": false}}'
jq -es 'any(.[]; .source == "ptrace") and all(.[]; .source != "seccomp")' "$T/events" >/dev/null ||
	fail "not by ptrace: $(jq -c "[.source, .type]" "$T/events" | sort | uniq -c)"
same notify.out alone.out
same notify.events alone.events

[ -x "$VFS_HOST" ] || exit 0
prepare
printf '{"vfs.cache_ms": 0}' >"$T/settings.json"
(cd "$WS" && timeout 300 "$VFS_HOST" -p "$POLICY" -s "$T/settings.json" -c c1 -o "$T/events" \
	"$AGENTSH_BUILD/vfs/agentsh-vfs" "$WS" -- python3 same.py) >"$T/vfs.out" 2>"$T/err" </dev/null
case $? in
77) exit 0 ;; # no mounts here
0) ;;
*) fail "mount: $(cat "$T/err" "$T/vfs.out")" ;;
esac
grep -v -e '^exec' -e '^connect' -e '^kill' -e '^chroot' -e '^more' "$T/notify.out" >"$T/files.out"
same files.out vfs.out
# what was refused, and by which rule: the mount names operations of its own
blocked() { awk -F'\t' '$1 ~ /^(file|dir|symlink)_/ && $3 == "blocked" {sub("#tmpfile", "tmpfile", $2); print $2 "\t" $4}' "$1" | sort -u; }
events "$T/events" >"$T/mount.events"
blocked "$T/notify.events" >"$T/notify.blocked"
blocked "$T/mount.events" >"$T/mount.blocked"
[ "$(grep -c . "$T/notify.blocked")" -gt 15 ] || fail "too few refused"
same notify.blocked mount.blocked
