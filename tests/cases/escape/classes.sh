# SPDX-License-Identifier: MIT
# classes.sh - one attack per published class of escape, each through a whole
# server: it has no effect, and it is on record. tests/escape/classes.tsv says
# which class each belongs to.
. "$(dirname "$0")/../server/lib.sh"
POLICY_FILE=$(dirname "$0")/policy.yaml
# AGENTSH_LAYERS: what stands behind the floor (fuse, ptrace; default: neither)
[ -z "${AGENTSH_PTRACE:-}" ] || AGENTSH_LAYERS="${AGENTSH_LAYERS:-}+ptrace"
unset AGENTSH_PTRACE # the configuration below has it
case ${AGENTSH_LAYERS:-} in
*fuse*) [ -w /dev/fuse ] || skip "no /dev/fuse" ;;
esac
on() { case ${AGENTSH_LAYERS:-} in *$1*) echo true ;; *) echo false ;; esac; }
CONFIG_EXTRA="sandbox: {fuse: {enabled: $(on fuse)}, ptrace: {enabled: $(on ptrace)}}"
command -v python3 >/dev/null || skip "no python3"
start_server
new_session s
echo sesame >"$WS/.env"
mkdir "$WS/closed" "$WS/open"
echo sesame >"$WS/closed/key"
SERVER_SOCKET=$T/run/http-$PORT.sock

# the same without the server, which is there all the same
attack_alone() {
	OUT=$(cd "$WS" && HOME=$T/home AGENTSH_CONFIG=$T/config.yaml \
		run_jailed "$AGENTSH_BUILD/cli/agentsh" run -- /bin/bash -c '. ./attack.sh' 2>&1 </dev/null)
	agentsh events query --limit 1000 >"$T/events.json" || fail "events query failed"
	jq 'first(.[].session_id | select(startswith("run-"))) as $s | [.[] | select(.session_id == $s and
		(.policy.effective_decision == "deny" or .effective_action == "blocked" or .fields.outcome == "denied"))]' \
		"$T/events.json" >"$T/blocked"
}
run_jailed() { ${AGENTSH_JAIL:+$AGENTSH_JAIL --} "$@"; }

# attack NAME SCRIPT: runs it, out of the pre-check's sight; its output is in OUT
attack() {
	NAME=$1
	printf '%s\n' "$2" >"$WS/attack.sh"
	if [ -n "${ONESHOT:-}" ]; then
		attack_alone
		return
	fi
	sh_exec '. ./attack.sh'
	OUT=$(jq -r '(.result.stdout // "") + (.result.stderr // "")' "$T/out")
	jq '[.events.blocked_operations[]?]' "$T/out" >"$T/blocked"
}
no_output() { ! grep -q -- "$1" <<<"$OUT" || fail "$NAME: got past: $OUT"; }
recorded() { jq -e "any(.[]; $1)" "$T/blocked" >/dev/null || fail "$NAME: not on record: $(cut -c1-400 "$T/blocked")"; }
denied_exec() { no_output uid=; recorded '.type == "execve"'; }
denied_file() { no_output sesame; recorded "(.path // \"\") | endswith(\"$1\")"; }

# --- commands
attack name 'id'
denied_exec
attack copy 'cp /usr/bin/id x && ./x'
denied_exec
attack loader '$(ls /lib64/ld-linux-*.so.* /lib/ld-linux-*.so.* 2>/dev/null | head -1) /usr/bin/id'
denied_exec
LOADER=$(ls /lib64/ld-linux-*.so.* /lib/ld-linux-*.so.* 2>/dev/null | head -1)
attack loader_of_copy "cp /usr/bin/id x; $LOADER ./x; $LOADER --argv0 y --inhibit-cache ./x"
denied_exec
attack copied_loader "cp $LOADER loader; ./loader /usr/bin/id"
denied_exec
attack script_of_loader "printf '#!$LOADER /usr/bin/id\\n' >s.sh; chmod +x s.sh; ./s.sh"
denied_exec
attack script_of_copy 'cp /usr/bin/id x; printf "#!$PWD/x --version\n" >s.sh; chmod +x s.sh; ./s.sh'
no_output coreutils
denied_exec
attack changed_copy '(cat /usr/bin/id; echo) >x; chmod +x x; ./x'
denied_exec
attack unnamed_file 'python3 -c "
import os
fd = os.open(\".\", os.O_TMPFILE | os.O_RDWR, 0o755)
os.write(fd, open(\"/usr/bin/id\", \"rb\").read())
r = os.open(\"/proc/self/fd/%d\" % fd, os.O_RDONLY); os.close(fd)
os.execve(r, [\"harmless\"], {})"'
denied_exec
# a static program asked for as the loader of another one
attack own_loader 'mkdir -p bin; python3 -c "
import os, struct
text = b\"uid=0\\n\"
machine = 183 if os.uname().machine == \"aarch64\" else 62
code = struct.pack(\"<8I\", 0xd2800808, 0xd2800020, 0x100000c1, 0xd28000c2,
    0xd4000001, 0xd2800bc8, 0xd2800000, 0xd4000001) + text if machine == 183 else b\"\\xb8\\1\\0\\0\\0\\xbf\\1\\0\\0\\0\\x48\\x8d\\x35\\x10\\0\\0\\0\\xba\\6\\0\\0\\0\\x0f\\5\\xb8\\xe7\\0\\0\\0\\x31\\xff\\x0f\\5\" + text
head = b\"\\x7fELF\\2\\1\\1\" + bytes(9)
def program(name, entry, *headers):
    e = head + struct.pack(\"<HHIQQQIHHHHHH\", 3, machine, 1, entry, 64, 0, 0, 64, 56, len(headers), 0, 0, 0)
    p = b\"\".join(struct.pack(\"<IIQQQQQQ\", *h) for h in headers)
    open(name, \"wb\").write(e + p + (code if name.endswith(\"tool\") else b\"bin/tool\\0\"))
    os.chmod(name, 0o755)
program(\"bin/tool\", 120, (1, 5, 0, 0, 0, 4096, 4096, 4096))
program(\"asks\", 176, (3, 4, 176, 176, 176, 9, 9, 1), (1, 5, 0, 0, 0, 4096, 4096, 4096))"
cp bin/tool other; ./other | grep -q uid=0 && echo it would; ./asks'
grep -q 'it would' <<<"$OUT" || fail "own_loader tries nothing: $OUT"
denied_exec
attack shebang 'printf "#!/usr/bin/id\n" >s.sh; chmod +x s.sh; ./s.sh'
denied_exec
attack wrapper 'env -i nice timeout 5 /usr/bin/id'
denied_exec
attack proc_root_exec '/proc/self/root/usr/bin/id'
denied_exec
attack memfd 'python3 -c "
import os
fd = os.memfd_create(\"x\")
os.write(fd, open(\"/usr/bin/id\", \"rb\").read())
os.execv(\"/proc/self/fd/%d\" % fd, [\"harmless\"])"'
denied_exec
attack argc_zero 'python3 -c "
import ctypes
libc = ctypes.CDLL(None)
none = (ctypes.c_char_p * 1)(None)
libc.execve(b\"/usr/bin/id\", none, none)"'
denied_exec
attack expansion 'x=i; y=d; ${x}${y}; $(printf "\151\144"); eval "i""d"'
denied_exec
attack shell_operators 'true & id; true || id; { id; }; (id)'
denied_exec

# the check before it runs knows a relative command by its whole path
api POST /api/v1/sessions/s/exec '{"command":"./bin/tool"}'
expect_json '.result.error.policy_rule == "no-tool"'

# --- files
attack symlink_read 'ln -s .env l; cat l'
denied_file /.env
attack proc_root_read 'cat /proc/self/root$PWD/.env /proc/self/cwd/.env'
denied_file /.env
attack hard_link 'ln .env h && cat h'
denied_file /.env
attack rename_away 'mv .env plain && cat plain; mv closed opened && cat opened/key'
no_output sesame
recorded '(.path // "") | endswith("/.env") or endswith("/closed")'
attack missing_settings 'mkdir .agent; echo "{}" >.agent/settings.json; mkdir d && mv d .agent'
[ ! -e "$WS/.agent/settings.json" ] || fail "settings were made"
recorded '(.path // "") | contains("/.agent")'
attack symlink_write 'ln -s /etc out; echo x >out/agentsh-case'
[ ! -e /etc/agentsh-case ] || fail "wrote through a link"
recorded '(.path // "") == "/etc/agentsh-case"'
attack setuid_bit 'cp /bin/true t; chmod 4755 t; chmod 2755 t'
[ ! -u "$WS/t" ] && [ ! -g "$WS/t" ] || fail "set-id bit"
attack core_pattern 'echo "|/tmp/x" >/proc/sys/kernel/core_pattern'
recorded '(.path // "") == "/proc/sys/kernel/core_pattern"'
attack release_agent 'for d in /sys/fs/cgroup /sys/fs/cgroup/*; do echo /tmp/x >$d/release_agent; done; true'
! grep -qsx /tmp/x /sys/fs/cgroup/release_agent /sys/fs/cgroup/*/release_agent || fail "release_agent"
attack runtime_exe 'for p in $PPID 1; do echo x >/proc/$p/exe; done; true'
"$AGENTSH_BUILD/tracer/agentsh-tracer" 2>/dev/null
[ $? = 2 ] || fail "the runtime was overwritten"
attack leaked_fds 'for f in /proc/$$/fd/*; do n=${f##*/}; [ $n -gt 2 ] && readlink $f; done; true'
no_output events.db
no_output policies
no_output memfd
attack cwd_outside 'cd /proc/self/fd && cat ../cwd/.env ./../../../.env'
no_output sesame

# --- what governs
attack control_socket "curl -s --unix-socket $SERVER_SOCKET http://x/api/v1/sessions; true"
no_output '"id"'
attack control_tcp "curl -s $AGENTSH_SERVER/api/v1/sessions; true"
no_output '"id"'
attack kill_server "kill -9 $SERVER_PID; kill -STOP $SERVER_PID"
kill -0 "$SERVER_PID" || fail "the server was killed"
# what starts commands is of their domain, and neither stopped nor ended by them
below() { # what PID started, and that
	local p
	for p in $(ps -e -o pid=,ppid= | awk -v p="$1" '$2 == p { print $1 }'); do
		echo "$p"
		below "$p"
	done
}
HELPERS=$(below $SERVER_PID | tr '\n' ' ')
GROUP=$(ps -o pgid= -p $SERVER_PID | tr -d ' ')
[ "$(wc -w <<<"$HELPERS")" -ge 2 ] || fail "no helpers: $HELPERS"
attack helpers "python3 -c '
import os, signal
for p in map(int, \"$HELPERS\".split()):
    for s in (signal.SIGSTOP, signal.SIGKILL):
        for how in (os.kill, lambda p, s: signal.pidfd_send_signal(os.pidfd_open(p), s)):
            try: how(p, s); print(\"got past:\", p, s)
            except OSError: pass
for p in [$GROUP] + list(map(int, \"$HELPERS\".split())):
    try: os.killpg(p, signal.SIGCONT); print(\"got past: group\", p)
    except OSError: pass
print(\"tried\")'"
no_output 'got past'
grep -q '^tried' <<<"$OUT" || fail "helpers tries nothing: $OUT"
recorded '.type | test("signal|seccomp")'
attack helper_sigio 'python3 -c "
import fcntl
for s in (9, 19):
    try: fcntl.fcntl(0, 10, s); print(\"got past\")
    except OSError: print(\"refused\")"'
no_output 'got past'
grep -q refused <<<"$OUT" || fail "helper_sigio tries nothing: $OUT"
recorded '.type | test("seccomp")'
# links and files of procfs that lead into the supervision: it may follow them, a
# command may not, however it gets there
attack supervision_links 'mkfifo pipe; cat pipe & python3 -c "
import os, sys
def parent(p):
    try: return int(open(\"/proc/%s/stat\" % p).read().rpartition(\")\")[2].split()[1])
    except OSError: return 0
def tries(p):
    for n in [\"fd/%d\" % i for i in range(40)] + [\"environ\", \"maps\", \"cwd\", \"root/etc/passwd\", \"task/%d/fd/4\" % p]:
        for flags in (os.O_RDONLY, os.O_RDWR):
            try: os.close(os.open(n, flags | os.O_NONBLOCK)); print(\"got past:\", p, n)
            except OSError: pass
sh, above = map(int, sys.argv[1:3])
near = [above] + [int(p) for p in os.listdir(\"/proc\") if p.isdigit() and int(p) != sh and parent(p) == above]
here = os.open(\".\", os.O_RDONLY)
for p in near + [int(p) for p in sys.argv[3:]]:
    try: os.chdir(\"/proc/%d\" % p); tries(p)
    except OSError: pass
    os.fchdir(here)
    os.chdir(\"/proc/\"); sys.stdout.flush()
    try: os.close(os.open(\"%d/fd/4\" % p, os.O_RDONLY)); print(\"got past:\", p)
    except OSError: print(\"tried\")
    os.fchdir(here)" $$ $PPID '"$HELPERS"'; kill %1; rm -f pipe'
no_output 'got past'
grep -q '^tried' <<<"$OUT" || fail "supervision_links tries nothing: $OUT"
recorded '(.path // "") | test("^/proc/[0-9]+/")'
attack server_memory "head -c 16 /proc/$SERVER_PID/mem; cat /proc/$SERVER_PID/environ"
no_output PATH=
attack policy_file "echo 'version: 1' >$T/policies/default.yaml"
grep -q no-secret "$T/policies/default.yaml" || fail "the policy was changed"
recorded '(.path // "") | endswith("/default.yaml")'
attack trash 'rm -rf .agentsh_trash; ls -a .agentsh_trash; mv .agentsh_trash t2'
[ -d "$WS/.agentsh_trash" ] || fail "the quarantine is gone"

# --- network
attack datagram 'python3 -c "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.sendto(b\"x\", (\"192.0.2.1\", 9)); print(\"sent\")"'
no_output sent
recorded '.type | startswith("net_") or . == "dns_query"'
attack odd_sockets 'python3 -c "
import socket
for f, t, p in ((38, 5, 0), (17, 3, 0), (40, 1, 0), (2, 1, 262), (2, 3, 1), (33, 5, 0)):
    try:
        socket.socket(f, t, p); print(\"got\", f, p)
    except OSError: pass"'
no_output got

[ -z "${ONESHOT:-}" ] || exit 0
# --- people
in_session $'nothing\033[2J\033]0;x\007'
! grep -q $'\033' "$T/err" || fail "terminal escapes reach the user"

# it was all as it should be
api GET /api/v1/sessions/s
for l in fuse ptrace; do
	[ "$(on $l)" = false ] ||
		expect_json "any(.protection[]; .name == \"$l\" and .active)"
done
exit 0
