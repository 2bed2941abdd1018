#!/bin/bash
# SPDX-License-Identifier: MIT
# startup.sh - the agentsh server, then the web service; either ending ends both
set -eu

agentsh server start &
server=$!
trap 'kill "$server" 2>/dev/null || true' EXIT

for attempt in $(seq 300); do
	curl -fs -o /dev/null http://127.0.0.1:18080/health && break
	kill -0 "$server" 2>/dev/null || { echo "agentsh did not start" >&2; exit 1; }
	[ "$attempt" != 300 ] || { echo "agentsh: no answer in 30 s" >&2; exit 1; }
	sleep 0.1
done

# Convenience for people who open a shell in the container; nothing in the
# protection depends on it.
agentsh shim install-shell --shim /usr/bin/agentsh-shell-shim --bash \
	--i-understand-this-modifies-the-host

# The first command makes the session; visitors do not wait for it.
agentsh exec --root=/workspace demo -- /bin/bash -c true

cd /app
node src/index.js &
app=$!
trap 'kill "$app" "$server" 2>/dev/null || true' EXIT
trap 'kill "$app" 2>/dev/null || true' TERM INT
wait -n "$app" "$server"
