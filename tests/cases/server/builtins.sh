# SPDX-License-Identifier: MIT
# Commands that act on the session, and that they cannot look outside.
. "$(dirname "$0")/lib.sh"
start_server
new_session s
mkdir "$WS/d"
echo content >"$WS/d/f"
ln -s /etc/shadow "$WS/shadow"
ln -s /etc "$WS/etc"
mkfifo "$WS/pipe"

b() { api POST /api/v1/sessions/s/exec "$1"; }

b '{"command":"cd","args":["d"]}'
expect_json '.result.exit_code == 0'
b '{"command":"pwd"}'
expect_json '.result.stdout == "/workspace/d\n"'
sh_exec 'pwd'
expect_json '.result.stdout == "'"$WS"'/d\n"'
b '{"command":"cd","args":["/etc"]}'
expect_json '.result.exit_code == 1'
b '{"command":"export","args":["GOOD_B=two words"]}'
b '{"command":"env"}'
expect_json '.result.stdout == "GOOD_B=two words\n"'
sh_exec 'echo "$GOOD_B"'
expect_json '.result.stdout == "two words\n"'
b '{"command":"unset","args":["GOOD_B"]}'
b '{"command":"aenv"}'
expect_json '.result.stdout == "{}\n"'

b '{"command":"acat","args":["f"]}'
expect_json '.result.stdout | fromjson | .content == "content\n" and .size_bytes == 8'
b '{"command":"astat","args":["/workspace/d"]}'
expect_json '.result.stdout | fromjson | .type == "dir"'
b '{"command":"als","args":["/workspace"]}'
expect_json '.result.stdout | fromjson | .entries | length == 4'
sh_exec 'rm f 2>/dev/null; echo again >f'
for path in /workspace/.agentsh_trash /workspace/shadow /workspace/etc/passwd /etc/passwd ../../../etc/passwd; do
	b '{"command":"acat","args":["'$path'"]}'
	expect_json '.result.exit_code == 1 and (.result | has("stdout") | not)'
done
b '{"command":"acat","args":["/workspace/pipe"]}' # must not block
expect_json '.result.exit_code == 1'
