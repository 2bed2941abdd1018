#!/bin/bash
# SPDX-License-Identifier: MIT
# undo.sh BUILD-DIR [FILES [ROUNDS]] - rm -rf of a tree, native and in a session,
# and its undo, by turns: the least milliseconds of each, and the ratio to native;
# then the listing and a small undo in a store of a million entries
set -u
BUILD=$(cd "${1:-${AGENTSH_BUILD:?build directory}}" && pwd)
N=${2:-10000}
ROUNDS=${3:-5}
T=$(mktemp -d)
WS=$T/ws
mkdir -p "$WS" "$T/run" "$T/policies"
chmod 700 "$T/run"
SRC=$(cd "$(dirname "$0")/../.." && pwd)
cp "$SRC/tests/cases/undo/policy.yaml" "$T/policies/default.yaml"
PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export AGENTSH_SERVER=http://127.0.0.1:$PORT AGENTSH_RUNTIME_DIR=$T/run
cat >"$T/config.yaml" <<-EOT
	server: {http: {addr: "127.0.0.1:$PORT"}}
	auth: {type: none}
	audit: {storage: {sqlite_path: $T/events.db}}
	sessions: {base_dir: $T/sessions}
	policies: {dir: $T/policies, default: default}
EOT
"$BUILD/cli/agentsh" server --config "$T/config.yaml" >"$T/log" 2>&1 &
SERVER=$!
trap 'kill $SERVER; wait $SERVER 2>/dev/null; rm -rf "$T"' EXIT
for _ in $(seq 100); do
	[ -S "$T/run/http-$PORT.sock" ] && break
	sleep 0.05
done
tree() {
	python3 - "$WS/tree" "$N" <<-EOT
	import os, sys
	top, n = sys.argv[1], int(sys.argv[2])
	for i in range(n):
	    d = f"{top}/d{i // 100}"
	    if i % 100 == 0:
	        os.makedirs(d)
	    with open(f"{d}/f{i}", "w") as f:
	        f.write(f"content of {i}\\n")
	EOT
}
ms() {
	local start end
	start=$(date +%s%N)
	"$@" >/dev/null 2>&1 || echo "failed: $*" >&2
	end=$(date +%s%N)
	echo $(((end - start) / 1000000))
}
least() { sort -n "$T/$1" | head -1; }
x() { "$BUILD/cli/agentsh" exec --quiet --root="$WS" s -- "$@"; }
x true
tree
cd "$WS" || exit 1
for _ in $(seq "$ROUNDS"); do
	ms x true >>"$T/base"
	ms x rm -rf "$WS/tree" >>"$T/rm"
	ms "$BUILD/cli/agentsh" undo >>"$T/undo"
	ms rm -rf "$WS/tree" >>"$T/native"
	tree
done
kept=$(($(least rm) - $(least base))) native=$(least native)
echo "files $N: native rm -rf $native ms; in a session $kept ms" \
	"($(python3 -c "print(round($kept / $native, 1))") times);" \
	"undo $(least undo) ms"
FILL=$BUILD/tests/cases/undo/bench_trash
[ -x "$FILL" ] || exit 0
mkdir "$T/big" && "$FILL" "$T/big" 1000000 1000 && cd "$T/big" || exit 1
for _ in $(seq "$ROUNDS"); do
	ms "$BUILD/cli/agentsh" trash list >>"$T/list"
	ms "$BUILD/cli/agentsh" undo >>"$T/small"
	ms "$BUILD/cli/agentsh" redo >>"$T/small"
done
echo "1000000 entries: trash list $(least list) ms; undo of one file $(least small) ms"
