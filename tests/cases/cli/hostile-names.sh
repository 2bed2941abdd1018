#!/bin/bash
# SPDX-License-Identifier: MIT
# hostile-names.sh - names that an agent made up, looked at by a person: no verb
# prints what steers a terminal or forges a line, no generated policy allows more
# than what was seen, and all of it is on record.
. "$(dirname "$0")/../lib/case.sh"
command -v python3 >/dev/null || skip "no python3"
cat >"$T/allow.yaml" <<-'YAML'
	version: 1
	name: allow
	command_rules: [{name: all, commands: ["*"], decision: allow}]
	file_rules:
	  - {name: none, paths: ["**/closed/**"], operations: ["*"], decision: deny}
	  - {name: all, paths: ["/**"], operations: ["*"], decision: allow}
	unix_socket_rules: [{name: all, paths: ["**"], decision: allow}]
YAML
POLICY_FILE=$T/allow.yaml
CONFIG_EXTRA='sandbox: {unix_sockets: {enabled: true}}'
start_server
cat >"$WS/work.py" <<-'PY'
	import os, socket, subprocess
	names = [b"*", b"[a-z]*", b"{a,b}", b"a\x1b]0;forged\x07\x1b[2J",
	    b"b\nFORGED line\r\tz", b"c\xff\xfe\xe2\x80\xae\xe2\x81\xa6\xc2\x9b2J",
	    b"d\x7f\xc2\x85\xe2\x80\xa8", b'e"\n  - {name: forged, commands: ["*"], decision: allow}']
	os.makedirs("closed", exist_ok=True)
	for n in names:
	    with open(n, "w") as f:
	        f.write("#!/bin/sh\n:\n")
	    os.chmod(n, 0o755)
	    subprocess.run([b"./" + n], check=True)
	    socket.socket(socket.AF_UNIX).bind(b"s" + n)
	    os.unlink(b"s" + n)
	    if n != b"*":
	        os.unlink(n)
	    try:
	        open(b"closed/" + n, "w")
	        print("opened")
	    except PermissionError:
	        pass
PY
cat >"$T/look.py" <<-'PY'
	import re, sys
	text = open(sys.argv[1], "rb").read()
	bad = re.search(rb"[\0-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]|\xe2\x81[\xa6-\xa9]", text)
	bad = bad or re.search(rb"(?m)^FORGED", text)
	if bad:
	    sys.exit("%r" % text[max(0, bad.start() - 40):bad.end() + 20])
	text.decode()
PY
python3 "$T/look.py" <(printf 'fine \303\274\n') || fail "the look is too strict"
for bad in 'x\033[2J' 'x\177' 'x\302\233' 'x\342\200\256' 'x\nFORGED'; do
	! python3 "$T/look.py" <(printf "$bad") 2>/dev/null || fail "the look misses $bad"
done

run agentsh checkpoint create --session s --workspace "$WS"
expect_status 0
mark=$(sed -n 's/^Created checkpoint //p' "$T/out")
in_session sh -c 'python3 work.py'
expect_status 0
expect_no_out opened
expect_event '.path? // "" | endswith("/closed/b\nFORGED line\r\tz")'
expect_event '.type == "execve" and (.filename // "" | endswith("/*"))'

cd "$WS" || exit 1
shown() {
	run agentsh "$@"
	expect_status 0
	python3 "$T/look.py" "$T/out" || fail "$* steers the terminal"
	python3 "$T/look.py" "$T/err" || fail "$* steers the terminal"
}
shown trash list
shown trash list --all
expect_out '/sb\x0aFORGED line\x0d\x09z'
shown trash list --json
expect_out '\u202e'
[ "$(jq -r '.[] | select(.original_path | endswith("\u2028")) | .original_path | explode[-3]' "$T/out")" = 127 ] ||
	fail "the document is another one"
shown history 'sb
FORGED line'$'\r\t'z
shown undo status
shown undo --dry-run --verbose --session s
shown checkpoint list --session s --workspace "$WS"
shown checkpoint show "$mark" --diff --session s --workspace "$WS"
shown events query --session s --limit 5000
shown session logs s
shown report s --level detailed
shown policy generate s --output "$T/seen.yaml"
python3 "$T/look.py" "$T/seen.yaml" || fail "the policy steers the terminal"
run agentsh trash restore "no$(printf '\033[2J')such"
[ "$STATUS" != 0 ] || fail "restored nothing"
python3 "$T/look.py" "$T/err" || fail "an error steers the terminal"

# what was called "*" is no pattern, and what was denied is below none
run agentsh policy validate "$T/seen.yaml"
expect_status 0
cp "$T/seen.yaml" "$T/policies/seen.yaml"
agentsh session create --workspace "$WS" --policy seen --id seen >/dev/null ||
	fail "the generated policy makes no session"
run agentsh exec seen -- sh -c 'id'
[ "$STATUS" != 0 ] || fail "a program that was not seen ran"
expect_no_out uid=
agentsh events query --session seen >"$T/events.json" || fail "events query failed"
jq -e 'any(.[]; .policy.rule == "default-deny-commands")' "$T/events.json" >/dev/null ||
	fail "not on record"
run agentsh exec seen -- sh -c 'echo x >closed/new'
[ "$STATUS" != 0 ] || fail "what was denied is allowed"
run agentsh exec seen -- sh -c './\*'
expect_status 0
exit 0
