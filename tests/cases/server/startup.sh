# SPDX-License-Identifier: MIT
# What the server refuses to start with, and that it says why.
. "$(dirname "$0")/lib.sh"
PORT=$(free_port)
write_config
refused() { # TEXT
	run timeout 60 "$AGENTSH_BUILD/cli/agentsh" server --config "$T/config.yaml"
	expect_status 1
	expect_err "$1"
}
cp "$T/config.yaml" "$T/good"
sed -i 's/127.0.0.1/0.0.0.0/' "$T/config.yaml"
refused "refusing to listen on \"0.0.0.0:$PORT\" with auth.type=none (use 127.0.0.1/localhost or enable auth)"
cp "$T/good" "$T/config.yaml"
printf 'approvals:\n  enabled: true\n  mode: api\n' >>"$T/config.yaml"
refused 'approvals.mode=api requires auth.type=api_key (auth is disabled)'
cp "$T/good" "$T/config.yaml"
sed -i 's/default: default/default: nope/' "$T/config.yaml"
refused 'policy "nope" not found in'
cp "$T/good" "$T/config.yaml"
mv "$T/policies/default.yaml" "$T/p"
echo 'version: 0' >"$T/policies/default.yaml"
refused 'default.yaml'
mv "$T/p" "$T/policies/default.yaml"
start_server
[ "$(head -1 "$T/server.log")" = "agentsh server listening on 127.0.0.1:$PORT" ] || fail "greeting"
refused 'in use'
# a stale socket of a killed server is no obstacle
kill -9 "$SERVER_PID"
wait "$SERVER_PID" 2>/dev/null
start_server
curl -sS --unix-socket "$T/run/http-$PORT.sock" http://x/health | grep -qx ok || fail "local socket"

# a guarantee that this host cannot keep, and one that it can
kill "$SERVER_PID"
wait "$SERVER_PID"
cp "$T/good" "$T/config.yaml"
printf 'sandbox:\n  require: [fuse]\n' >>"$T/config.yaml"
start_server
new_session s
sh_exec 'echo ran'
expect_json '.result.exit_code == 127 and (.result.stderr | contains("sandbox.require: fuse does not hold"))'
expect_json '.result | has("stdout") | not'
kill "$SERVER_PID"
wait "$SERVER_PID"
cp "$T/good" "$T/config.yaml"
printf 'sandbox:\n  require: [isolation, audit]\n' >>"$T/config.yaml"
start_server
new_session s
sh_exec 'echo ran'
expect_json '.result.stdout == "ran\n"'
