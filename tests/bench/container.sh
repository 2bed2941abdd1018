#!/bin/bash
# SPDX-License-Identifier: MIT
# container.sh BUILD_DIR - in a container like Render's: from its start to the
# first governed command done, and /demo/status of the web service
set -u
src=$(cd "$(dirname "$0")/../.." && pwd)
if [ "${1:-}" != inside ]; then
	exec "$src/scripts/test-in-container.sh" -u 0 \
		-c 'bash tests/bench/container.sh inside' \
		"${1:?usage: container.sh BUILD_DIR}"
fi
ms() { echo $((($2 - $1) / 1000000)); }
entry=$(date +%s%N)
export PATH=$AGENTSH_BUILD/cli:$PATH AGENTSH_RUNTIME_DIR=/run/agentsh
mkdir -m 700 /run/agentsh
mkdir -p /etc/agentsh/policies /var/lib/agentsh
cp deploy/render/config.yaml /etc/agentsh/
cp deploy/render/default.yaml /etc/agentsh/policies/
cd /workspace || exit 1
started=$(date +%s%N)
agentsh server start >/run/server.log 2>&1 &
until [ -S /run/agentsh/http-18080.sock ]; do sleep 0.002; done
ready=$(date +%s%N)
agentsh exec --root=/workspace demo -- /bin/true || exit 1
first=$(date +%s%N)
agentsh exec --root=/workspace demo -- /bin/true || exit 1
second=$(date +%s%N)
echo "container: $(ms "$(cat /run/began)" "$entry") ms until our first line runs"
echo "server: $(ms "$started" "$ready") ms until it listens"
echo "first governed command: $(ms "$started" "$first") ms after the server's start"
echo "second: $(ms "$first" "$second") ms"

cd "$src/deploy/render" || exit 1
[ -d node_modules/express ] || { echo "no express: /demo/status not measured"; exit 0; }
DEMO_RATE_LIMIT=1000 AGENTSH_BIN=$AGENTSH_BUILD/cli/agentsh PORT=10000 \
	AGENTSH_SERVER=http://127.0.0.1:18080 node src/index.js >/run/web.log 2>&1 &
until curl -fs -o /dev/null http://127.0.0.1:10000/health; do sleep 0.05; done
for i in 1 2 3 4 5 6 7 8 9 10; do
	curl -fs -o /run/status.json -w '%{time_total}\n' \
		http://127.0.0.1:10000/demo/status || exit 1
done | sort -n | awk '{ t[NR] = $1 * 1000 } END {
	printf "/demo/status: median %.0f ms, slowest %.0f ms\n", t[5], t[10] }'
