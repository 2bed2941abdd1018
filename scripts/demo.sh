#!/bin/bash
# SPDX-License-Identifier: MIT
# demo.sh BUILD-DIR - the 60-second walk-through of the README, on a clone of
# this repository. Fails if any step does not do what it says.
set -u
build=$(cd "${1:?build directory}" && pwd)
src=$(cd "$(dirname "$0")/.." && pwd)
tmp=$(mktemp -d)
export PATH=$build/cli:$PATH AGENTSH_RUNTIME_DIR=$tmp/run
unset AGENTSH_SESSION_ID
server=
trap 'kill $server 2>/dev/null; wait $server 2>/dev/null; rm -rf --one-file-system "$tmp"' EXIT

# as one would type it
show() {
	printf '\n$'
	local word
	for word; do
		case $word in
		*[!A-Za-z0-9_./=:-]*) printf " '%s'" "$word" ;;
		*) printf ' %s' "$word" ;;
		esac
	done
	echo
}
die() { echo "demo: $*" >&2; exit 1; }

# (a tree without its history, as from an archive, becomes a repository)
git clone -q "$src" "$tmp/repo" 2>/dev/null || {
	mkdir "$tmp/repo"
	(cd "$src" && tar cf - --exclude='./build*' .) | tar xf - -C "$tmp/repo"
	git -C "$tmp/repo" init -q
	git -C "$tmp/repo" add -A
	git -C "$tmp/repo" -c user.name=demo -c user.email=demo@localhost \
		commit -qm "this tree"
}
mkdir -m 700 "$tmp/run"
# start: a server on a port that may be taken; 1 if it does not stay
start() {
	port=$((20000 + RANDOM % 10000))
	cat >"$tmp/config.yaml" <<-EOF
	server: {http: {addr: "127.0.0.1:$port"}}
	policies: {dir: $src/data/policies, default: default}
	audit: {storage: {sqlite_path: $tmp/events.db}}
	sessions: {base_dir: $tmp/sessions}
	EOF
	export AGENTSH_SERVER=http://127.0.0.1:$port
	agentsh server --config "$tmp/config.yaml" >"$tmp/server.log" 2>&1 &
	server=$!
	for _ in $(seq 1200); do
		[ -S "$tmp/run/http-$port.sock" ] && return 0
		kill -0 $server 2>/dev/null || return 1
		sleep 0.05
	done
	return 1
}
start || start || start || {
	cat "$tmp/server.log" >&2
	die "no server"
}

cd "$tmp/repo" || die "no clone"
x() {
	show agentsh exec demo -- "$@"
	agentsh exec --root="$tmp/repo" demo -- "$@"
}

x git log --oneline -3 || die "an ordinary command failed"
x bash -c 'echo hello > note.txt && cat note.txt' || die "workspace is not writable"
x sudo id && die "sudo was not stopped"
x bash -c 'true; sudo id' && die "sudo inside a script was not stopped"
x cat /etc/shadow && die "/etc/shadow was readable"
x bash -c 'echo x > /etc/agentsh-demo' && die "/etc was writable"
show agentsh events query --session demo --decision deny --limit 3
agentsh events query --session demo --decision deny --limit 3 |
	grep -E '"(type|rule|path|filename)"' | head -12

if agentsh help undo >/dev/null 2>&1; then
	before=$(find . -type f -not -path './.agentsh_trash/*' -exec sha256sum {} + | sort | sha256sum)
	x rm -rf docs src tests README.md
	show agentsh undo
	agentsh undo || die "undo failed"
	after=$(find . -type f -not -path './.agentsh_trash/*' -exec sha256sum {} + | sort | sha256sum)
	[ "$before" = "$after" ] || die "undo did not bring everything back"
	echo "everything is back, byte for byte"
fi
echo
echo "demo: all as it should be"
