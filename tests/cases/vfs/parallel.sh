#!/bin/bash
# SPDX-License-Identifier: MIT
# parallel.sh - commands of one session at the same time: what each did is on
# record under its own name, and undone by itself
POLICY_FILE=$(dirname "$0")/../../suites/allow.yaml
CONFIG_EXTRA='sandbox: {fuse: {enabled: true}}'
. "$(dirname "$0")/../lib/case.sh"
start_server
in_session true
N=4
for k in $(seq $N); do
	mkdir "$WS/d$k"
	for i in $(seq 60); do echo "$k $i" >"$WS/d$k/$i"; done
done
sums() { (cd "$WS" && find "$1" -type f -print0 | sort -z | xargs -0r sha256sum); }
for k in $(seq $N); do sums "d$k" >"$T/before$k"; done
for k in $(seq $N); do
	agentsh exec --output json --root="$WS" s -- bash -c \
		"cd d$k; for i in \$(seq 30); do rm \$i; echo new >>\$((i + 30)); done; (sleep 0.1; rm 31) & wait" \
		>"$T/out$k" 2>"$T/err$k" &
	clients="${clients:-} $!"
done
wait $clients
for k in $(seq $N); do
	id=$(jq -r .command_id "$T/out$k")
	[ "$(jq -r .receipt.removed "$T/out$k")" = 31 ] ||
		fail "receipt of $k: $(jq -c .receipt "$T/out$k")"
	for j in $(seq $N); do
		[ "$j" -lt "$k" ] || { sums "d$j" >"$T/now$j"; }
	done
	(cd "$WS" && agentsh undo --command "$id") >"$T/undo" 2>&1 ||
		fail "undo of $k: $(cat "$T/undo")"
	for j in $(seq $N); do
		sums "d$j" >"$T/then"
		if [ "$j" -le "$k" ]; then
			cmp -s "$T/before$j" "$T/then" || fail "d$j after the undo of $k"
		else
			cmp -s "$T/now$j" "$T/then" || fail "the undo of $k changed d$j"
		fi
	done
done
