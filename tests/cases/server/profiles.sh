# SPDX-License-Identifier: MIT
# mount_profiles: in each directory its own policy decides, elsewhere the base;
# known after a restart, read again when a file changes, refused with reasons
. "$(dirname "$0")/lib.sh"
mkdir -p "$T/data-in/inner" "$T/other"
echo one >"$T/data-in/file"
echo two >"$T/data-in/inner/file"
echo three >"$T/other/file"
CONFIG_EXTRA="
mount_profiles:
  two:
    base_policy: base
    mounts:
      - {path: $WS, policy: edit}
      - {path: $T/data-in, policy: look}
      - {path: $T/data-in/inner, policy: closed}
  gone:
    mounts: [{path: $T/nowhere, policy: look}]
  bad:
    mounts: [{path: $WS, policy: missing}]"
write_policy() { # NAME FILE-RULE: all commands, and that
	cat >"$T/policies/$1.yaml" <<-YAML
	version: 1
	name: $1
	command_rules:
	  - {name: all, commands: ["*"], decision: allow}
	file_rules:
	  - {name: $1-rule, paths: ["**"], $2}
	YAML
}
PORT=$(free_port)
write_config
write_policy base 'operations: ["*"], decision: allow'
write_policy edit 'operations: ["*"], decision: allow'
write_policy look 'operations: [read, open, stat, list, access, readlink], decision: allow'
write_policy closed 'operations: ["*"], decision: deny'
start_server

api POST /api/v1/sessions '{"id":"s","profile":"two"}'
expect_code 201
expect_json '.profile == "two" and .policy == "base" and .workspace == "'"$WS"'"'
expect_json '.mounts == [{path: "'"$WS"'", policy: "edit", mount_point: "'"$WS"'"},
	{path: "'"$T"'/data-in", policy: "look", mount_point: "'"$T"'/data-in"},
	{path: "'"$T"'/data-in/inner", policy: "closed", mount_point: "'"$T"'/data-in/inner"}]'
in_mounts() {
	run agentsh exec s -- sh -c "echo a >here && cat $T/data-in/file && echo b >>$T/other/file"
	expect_status 0
	expect_out one
	run agentsh exec s -- sh -c "echo b >>$T/data-in/file"
	[ "$STATUS" != 0 ] || fail "written in a mount that is to be read"
	run agentsh exec s -- cat "$T/data-in/inner/file"
	[ "$STATUS" != 0 ] || fail "read in a mount that is closed"
	run agentsh exec s -- mv "$T/data-in/file" here2
	[ "$STATUS" != 0 ] || fail "moved out of a mount that is to be read"
	run agentsh exec s -- sh -c "ln -sf $T/data-in/inner/file l; cat l"
	[ "$STATUS" != 0 ] || fail "read through a link"
	[ "$(cat "$T/data-in/file")" = one ] || fail "changed"
}
in_mounts
expect_event '.path == "'"$T"'/data-in/file" and .policy.rule == "default-deny-files"
	and .policy.decision == "deny"'
expect_event '.path == "'"$T"'/data-in/inner/file" and .policy.rule == "closed-rule"'
expect_event '.type == "session_created" and .fields.profile == "two"
	and .fields.base_policy == "base" and (.fields.mounts | length) == 3'

# the server's next one knows
kill -9 "$SERVER_PID"
wait "$SERVER_PID" 2>/dev/null
start_server
api GET /api/v1/sessions/s
expect_json '.profile == "two" and (.mounts | length) == 3'
in_mounts

# a mount's policy is read again
write_policy look 'operations: ["*"], decision: allow'
run agentsh policy reload
expect_status 0
run agentsh exec s -- sh -c "echo b >>$T/data-in/file"
expect_status 0
[ "$(cat "$T/data-in/file")" = "$(printf 'one\nb')" ] || fail "not reloaded"

run agentsh session create --profile two --id t --json
expect_status 0
expect_json '.profile == "two" and .workspace == "'"$WS"'"'
api GET /api/v1/profiles
expect_json '.profiles[0] | .name == "two" and .base_policy == "base" and (.mounts | length) == 3'
api POST /api/v1/sessions '{"profile":"none"}'
expect_code 400
expect_json '.error == "profile \"none\" is not in mount_profiles"'
api POST /api/v1/sessions '{"profile":"two","policy":"look"}'
expect_code 400
expect_json '.error | contains("leave policy out")'
api POST /api/v1/sessions '{"profile":"gone"}'
expect_code 400
expect_json '.error | startswith("mount '"$T"'/nowhere of profile gone: ")'
api POST /api/v1/sessions '{"profile":"bad"}'
expect_code 400
expect_json '.error | startswith("resolve policy: policy \"missing\" not found")'

# what no server can use is said at once
printf 'mount_profiles: {p: {mounts: [{path: relative, policy: x}]}}\n' >"$T/wrong.yaml"
run agentsh server --config "$T/wrong.yaml"
expect_status 1
expect_err 'mount_profiles.p: each mount needs a path that begins with /'
