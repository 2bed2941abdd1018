# SPDX-License-Identifier: MIT
# host.sh - what the host changes in the workspace is seen by commands at once,
# although the kernel may keep names and attributes for a minute
. "$(dirname "$0")/lib.sh"

# the command looks at everything, then waits for each turn and looks again
cat >"$T/work" <<'END2'
look() {
	local f
	ls d | tr '\n' ' '
	for f in f new gone sub/x; do
		stat -c '%s %a' d/$f 2>/dev/null || echo -
	done | tr '\n' ' '
}
until_is() { # WORDS
	local start=$(date +%s%N)
	for i in $(seq 1000); do
		[ "$(look)" = "$1" ] && break
		sleep 0.03
	done
	echo "$2 $([ "$(look)" = "$1" ] && echo seen || look) $((($(date +%s%N) - start) / 1000000))"
}
look >/dev/null
cat d/f >/dev/null
turn() { echo >turn.$1; while [ -e turn.$1 ]; do sleep 0.002; done; }
turn 1
until_is 'f gone sub 7 644 - 4 644 - ' size
turn 2
until_is 'f gone new sub 7 644 2 644 4 644 - ' new
turn 3
until_is 'f gone new sub 7 600 2 644 4 644 - ' mode
turn 4
until_is 'f new sub 7 600 2 644 - - ' removed
turn 5
until_is 'f new sub 4 644 2 644 - 7 600 ' moved
# what the command itself does stays as it is
echo mine >d/own && mv d/own d/own2 && [ "$(cat d/own2)" = mine ] && rm d/own2 && echo own fine
END2
host() { # TURN CMD...
	eventually test -e "$WS/turn.$1"
	sleep 0.4 # what was changed by the command a moment ago passes for its own
	(cd "$WS/d" && eval "$2")
	rm "$WS/turn.$1"
}
mounted true # or it is skipped here
for SETTINGS in '{"vfs.cache_ms": 600000}' '{}'; do
	rm -rf "${WS:?}"/*
	mkdir "$WS/d" "$WS/d/sub"
	echo old >"$WS/d/f"
	echo two >"$WS/d/gone"
	touch -d '1 hour ago' "$WS/d/f" "$WS/d/gone"
	(trap - EXIT
		host 1 'echo longer >f'
		host 2 'umask 022; echo x >new'
		host 3 'chmod 600 f'
		host 4 'rm gone'
		host 5 'mv f sub/x; echo new >f; chmod 644 f') &
	host=$!
	mounted bash "$T/work"
	kill $host 2>/dev/null # over, unless the command ended before its time
	wait
	cat "$T/out"
	[ "$STATUS" = 0 ] || fail "status $STATUS"
	[ "$(grep -c ' seen ' "$T/out")" = 5 ] || fail 'not seen'
	grep -q 'own fine' "$T/out" || fail 'own changes'
done
