# SPDX-License-Identifier: MIT
# redirect.sh - redirect verdicts: another file, another program, also for what
# is already running
. "$(dirname "$0")/lib.sh"
mkdir -p "$T/out of"
cat >"$T/policy.yaml" <<-YAML
version: 1
name: redirects
file_rules:
  - {name: no, paths: ["**/denied"], operations: ["*"], decision: deny}
  - name: elsewhere
    paths: ["/etc/agentsh-case*", "/var/agentsh-case/**"]
    operations: ["*"]
    decision: redirect
    redirect_to: "$T/out of/flat"
  - name: tree
    paths: ["\${PROJECT_ROOT}/tree/**"]
    operations: [write, create, open, delete, mkdir, stat]
    decision: redirect
    redirect_to: kept
    preserve_tree: true
  - name: nowhere
    paths: ["\${PROJECT_ROOT}/nowhere/**"]
    operations: ["*"]
    decision: redirect
  - {name: rest, paths: ["/**"], operations: ["*"], decision: allow}
command_rules:
  - name: other-program
    commands: [id, chgrp]
    decision: redirect
    redirect_to:
      command: sh
      args: ["-c", "echo instead \$GREETING \$#", "sh", "a b", ""]
      args_append: [last]
      environment: {GREETING: hello}
  - {name: nowhere, commands: [hostname], decision: redirect, redirect_to: {command: ./missing}}
  - {name: rest, commands: ["*"], decision: allow}
YAML
POLICY=$T/policy.yaml

weak=
case ${AGENTSH_JAIL:-} in *" -m"*) weak=1 ;; esac # no process_vm_writev

# --- files
if [ -n "$weak" ]; then
	# attributes of what is elsewhere cannot be told there; opens can be had
	traced bash -c 'echo one >/etc/agentsh-case && cat /etc/agentsh-case
		[ -e /etc/agentsh-case ] || echo gone; stat /etc/agentsh-case'
	expect_out one
	expect_no_out agentsh-case
	[ ! -e /etc/agentsh-case ] || fail "the named file was made"
else
traced bash -c '
	echo one >/etc/agentsh-case && cat /etc/agentsh-case
	echo two >>/etc/agentsh-case; wc -l </etc/agentsh-case
	mkdir -p tree; echo deep >tree/x; cat tree/x; stat -c %s tree/x
	mv /etc/agentsh-case /etc/agentsh-case2 && cat /etc/agentsh-case2
	truncate -s 3 /etc/agentsh-case2; chmod 600 /etc/agentsh-case2
	rm tree/x; cat tree/x'
expect_out one
expect_out 2
expect_out deep
[ ! -e /etc/agentsh-case ] && [ ! -e /etc/agentsh-case2 ] || fail "the named file was made"
[ "$(stat -c '%s %a' "$T/out of/flat/agentsh-case2")" = "3 600" ] || fail "what was diverted: $(ls -l "$T/out of/flat")"
[ -z "$(ls "$WS/tree")" ] || fail "tree: $(ls "$WS/tree")"
[ -d "$WS/kept$WS/tree" ] || fail "no tree kept: $(find "$WS/kept")"
expect_err "tree/x: No such file"
expect_event '.type == "file_write" and .path == "/etc/agentsh-case" and .policy.decision == "redirect" and .effective_action != "blocked"'
fi

# what the redirect leads to is no way around: links, closed names, no target
ln -s /etc "$T/out of/flat/agentsh-case.d"
ln -s /etc/passwd "$T/out of/flat/agentsh-case-l"
echo secret >"$T/out of/flat/denied"
mkdir "$WS/nowhere"
cat >"$WS/way.sh" <<'X'
cat /etc/agentsh-case-l
echo x >/etc/agentsh-case-l
cat /var/agentsh-case/denied
echo x >nowhere/y
true
X
traced bash way.sh
expect_no_out root:
expect_no_out secret
[ ! -e "$WS/nowhere/y" ] || fail "a rule without a target lets through"

# --- programs
INSTEAD="instead hello 3"
redirected() {
	if [ -n "$weak" ]; then
		expect_no_out "$INSTEAD"
	else
		[ "$(grep -cx "$INSTEAD" "$T/out")" = "$1" ] || fail "not $1 redirected"
	fi
	expect_no_out uid=
}
traced bash -c 'id; echo $?; id -u'
redirected 2
[ -n "$weak" ] || expect_event '.filename == "/usr/bin/id" and .policy.decision == "redirect"'
[ -n "$weak" ] || expect_event '.policy.rule == "redirected" and (.filename | endswith("sh"))'
# by vfork with shared memory, whose path is whole again afterwards
traced python3 -c '
import subprocess
name = "/usr/bin/id"
for i in range(3):
    subprocess.run([name], check=False, close_fds=True)
print(name)'
redirected 3
[ -n "$weak" ] || expect_out /usr/bin/id
traced env nice id
redirected 1
traced bash -c 'chgrp x y; cd /usr/bin && ./id; hostname; echo after $?'
expect_out after
expect_no_out uid=
[ -n "$weak" ] || expect_err missing
# a descriptor by number only
traced python3 -c '
import os
fd = os.open("/usr/bin/id", os.O_RDONLY)
try: os.execve(fd, ["id"], {})
except OSError as e: print("errno", e.errno)'
expect_no_out uid=
expect_out "$INSTEAD" # needs no memory to be written to
# a path that is shorter than that of the stub; the variables are whole
ln -s /usr/bin/id "$WS/i"
traced bash -c 'export SHORT_ONE=whole; ./i; (exec ./i)'
redirected 2
traced python3 -c '
import os, subprocess
subprocess.run(["./i"], check=False, close_fds=True)
subprocess.run(["./i"], check=False, close_fds=False)
pid = os.fork()
if pid == 0:
    os.execve("./i", ["./i"], {"A%d" % i: "x" * 50 for i in range(200)})
os.wait()
print("after")'
redirected 3
[ -n "$weak" ] || expect_out after
# the stub by itself does nothing
traced bash -c '"$0"; echo $?' "$AGENTSH_BUILD/tracer/agentsh-stub"
expect_no_out instead

# a second thread that writes the path back wins nothing
cp "$(type -P true)" "$WS/ok"
traced "$AGENTSH_BUILD/tests/cases/tracer/race-exec" /usr/bin/wc /usr/bin/id "${RACE_SECONDS:-2}"
expect_no_out uid=
echo "redirect race: $(tail -1 "$T/out")"
exit 0
