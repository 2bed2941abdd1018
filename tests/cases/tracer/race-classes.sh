# SPDX-License-Identifier: MIT
# race-classes.sh - eight threads change paths, links, directories, descriptors,
# arguments and buffers while calls are judged: nothing is won. The same programs
# win without the sandbox, or the class is named as one that shows nothing here.
#
# AGENTSH_RACE_LAYERS: through a server, with these behind the floor (fuse, ptrace).
# AGENTSH_RACE_TRIES (300) and AGENTSH_RACE_SECONDS (0) per class; the long form is
# 3000 tries and 60 seconds. AGENTSH_RACE_CLASSES: only these.
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip "no python3"
TRIES=${AGENTSH_RACE_TRIES:-300}
SECS=${AGENTSH_RACE_SECONDS:-0}
CLASSES=${AGENTSH_RACE_CLASSES:-path-open path-write path-chmod path-truncate
path-utimes path-unlink path-rename path-link path-xattr symlink dir-symlink
fd-openat fd-fchmod buffer-openat2 buffer-unix buffer-sendto
buffer-connect exec-argv}
RACE=$AGENTSH_BUILD/tests/cases/tracer/race-many
weak=
case ${AGENTSH_JAIL:-} in *" -g"*) weak=1 ;; esac # no sockets of the caller's

cat >"$T/listen.py" <<'PY'
import os, selectors, socket, sys
sel, hits = selectors.DefaultSelector(), 0
ports, evil = [], None
def drain():
    global hits
    try:
        while True:
            evil.recv(10)
            hits += 1
    except BlockingIOError:
        pass
for i in range(2):
    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(("127.0.0.1", 0))
    ports.append(u.getsockname()[1]); sel.register(u, selectors.EVENT_READ, ("udp", i))
    u.setblocking(False)
    evil = u
os.makedirs(sys.argv[1] + "/s", exist_ok=True)
os.chdir(sys.argv[1])
for i, n in enumerate(("good", "evil")):
    s = socket.socket(socket.AF_UNIX); s.bind("s/" + n); s.listen(512); s.setblocking(False)
    sel.register(s, selectors.EVENT_READ, ("unix", i))
# who asks is told how many came until then
asked = socket.socket(socket.AF_UNIX); asked.bind(sys.argv[3]); asked.listen(5)
sel.register(asked, selectors.EVENT_READ, ("asked", 0))
with open(sys.argv[2], "w") as f: f.write("%d %d\n" % tuple(ports))
while True:
    for k, _ in sel.select():
        kind, i = k.data
        if kind == "udp" and i:
            drain()
        elif kind == "udp":
            try: k.fileobj.recv(10)
            except BlockingIOError: pass
        elif kind == "asked":
            drain()
            with k.fileobj.accept()[0] as s: s.sendall(b"%d" % hits)
        else:
            try: k.fileobj.accept()[0].close()
            except OSError: pass
PY
# what was bound below the mount is another inode above it
SOCKETS=$WS
case ${AGENTSH_RACE_LAYERS:-} in
*fuse*)
	mkdir "$T/sockets" "$T/sockets/s"
	SOCKETS=$T/sockets
	ln -s "$SOCKETS/s" "$WS/s"
	;;
esac
python3 "$T/listen.py" "$SOCKETS" "$T/ports" "$T/hits" &
LISTENER=$!
trap 'kill $LISTENER 2>/dev/null; case_cleanup' EXIT
eventually test -s "$T/ports" || fail "nobody listens"
read -r GOOD_PORT EVIL_PORT <"$T/ports"
export GOOD_PORT EVIL_PORT
cat >"$T/policy.yaml" <<Y
version: 1
name: races
file_rules:
  - {name: closed-seen, paths: ["\${PROJECT_ROOT}/c/**"], operations: [stat], decision: allow}
  - {name: closed, paths: ["\${PROJECT_ROOT}/c/**"], operations: ["*"], decision: deny}
  - {name: ro, paths: ["\${PROJECT_ROOT}/ro/**"], operations: [read, open, stat], decision: allow}
  - {name: ro-no, paths: ["\${PROJECT_ROOT}/ro/**"], operations: ["*"], decision: deny}
  - {name: rest, paths: ["/**"], operations: ["*"], decision: allow}
command_rules:
  - {name: word, commands: [echo], args_patterns: ["forbidden"], decision: deny}
  - {name: rest, commands: ["*"], decision: allow}
network_rules:
  - {name: evil, ports: [$EVIL_PORT], decision: deny}
  - {name: rest, cidrs: ["127.0.0.0/8"], decision: allow}
unix_socket_rules:
  - {name: good, paths: ["$SOCKETS/s/good"], decision: allow}
Y
POLICY=$T/policy.yaml
SETTINGS='{"unix_sockets": {"enabled": true}, "net": {"notify": true}}'

scene() {
	rm -rf "$WS"/[abcxylrmhd]*
	mkdir -p "$WS"/{a,b,c,x,y,ro}
	echo fine >"$WS/a/fine"
	echo fine >"$WS/b/key1"
	echo secret >"$WS/c/key1"
	chmod 640 "$WS/c/key1"
	echo fine >"$WS/y/key1"
	echo secret >"$WS/x/key1"
	echo fixed >"$WS/ro/f"
	ln -s a/fine "$WS/link"
	ln -s b "$WS/dir"
}
hits() {
	python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); print(s.recv(20).decode())' "$T/hits"
}

# sandboxed CMD...: like traced, with as much time as the long form needs
sandboxed() {
	STATUS=0
	if [ -n "$LAYERS" ]; then
		run timeout $((SECS + 600)) "$AGENTSH_BUILD/cli/agentsh" exec --root="$WS" \
			--timeout $((SECS + 590))s s -- env "GOOD_PORT=$GOOD_PORT" "EVIL_PORT=$EVIL_PORT" "$@"
		return
	fi
	write_settings
	(cd "$WS" && exec timeout $((SECS + 600)) ${AGENTSH_JAIL:+$AGENTSH_JAIL --} \
			"$AGENTSH_BUILD/tests/cases/tracer/tracer-run" -p "$POLICY" \
			-s "$T/settings.json" -w "$WS" -t $((SECS + 590)) -m "$T/messages" \
			"$AGENTSH_BUILD/tracer/agentsh-tracer" -- "$@") \
		>"$T/out" 2>"$T/err" || STATUS=$?
}

LAYERS=${AGENTSH_RACE_LAYERS:-}
if [ -n "$LAYERS" ]; then
	case $LAYERS in *fuse*) [ -w /dev/fuse ] || skip "no /dev/fuse" ;; esac
	on() { case $LAYERS in *$1*) echo true ;; *) echo false ;; esac; }
	POLICY_FILE=$POLICY
	CONFIG_EXTRA="sandbox: {fuse: {enabled: $(on fuse)}, ptrace: {enabled: $(on ptrace)}}"
	start_server
fi

bad=0
for class in $CLASSES; do
	scene
	LAST=$class
	if [ "$class" = exec-argv ]; then
		set -- "$AGENTSH_BUILD/tests/cases/tracer/race-argv" /bin/echo allowed-- forbidden
		native=$("$@" "$((TRIES < 2000 ? TRIES : 2000))" 1 2>/dev/null | grep -c forbidden)
		sandboxed "$@" "$TRIES" "$SECS"
		echo "exec-argv $(tail -1 "$T/err") won $(grep -c forbidden "$T/out")   (without the sandbox: won $native)"
		expect_no_out forbidden
		expect_out allowed--
		continue
	fi
	native=$(timeout 600 "$RACE" "$class" "$WS" "$((TRIES < 2000 ? 2000 : TRIES))" 1 2>&1)
	if [ "$class" = buffer-sendto ]; then
		before=$(hits)
		native="${native% won *} won $before"
	fi
	scene
	sandboxed "$RACE" "$class" "$WS" "$TRIES" "$SECS"
	[ "$class" != buffer-sendto ] ||
		sed -i "s/won 0/won $(($(hits) - before))/" "$T/out"
	echo "$(cat "$T/out")   (without the sandbox: ${native#"$class "})"
	# threads may not send to an address there: nothing is done at all
	[ -z "$weak" ] || [ "$class" != buffer-sendto ] || STATUS=$((STATUS % 2))
	grep -q 'won 0$' "$T/out" || { echo "FAIL: $class"; cat "$T/err"; bad=1; }
	[ "$STATUS" = 0 ] || { echo "FAIL: $class: status $STATUS"; cat "$T/err"; bad=1; }
done
exit $bad
