# SPDX-License-Identifier: MIT
# exec.sh - a denied program does not run, whatever it is called or led by
. "$(dirname "$0")/lib.sh"

blocked='.type == "execve" and .effective_action == "blocked"'

traced bash -c 'true; id; echo after $?'
expect_out 'after 126'
expect_no_out uid=
expect_event "$blocked and .filename == \"$(realpath /usr/bin/id)\" and .depth == 1 and .policy.rule == \"deny-tools\""
expect_event '.type == "execve" and .argv[0] == "bash" and .effective_action == "allowed"'

# more arguments, and longer ones, than there is room for at first
traced bash -c '/bin/true $(seq 40) $(printf %03000d 7) last; /bin/true $(seq -f %01500g 50) end'
expect_event '.type == "execve" and (.argv | length) == 43 and .argv[40] == "40" and (.argv[41] | length) == 3000 and .argv[42] == "last"'
expect_event '.type == "execve" and .truncated == true and .argv[1] != null and (.argv | length) < 50'

traced id
expect_status 127
expect_no_out uid=
expect_message 'spawned error=13 step=exec'

cp "$(realpath /usr/bin/id)" "$WS/cat"
ln -s "$(command -v id)" "$WS/link"
printf '#!%s -u\n' "$(command -v id)" >"$WS/script"
printf '#!%s/script\n' "$WS" >"$WS/script2"
chmod +x "$WS/script" "$WS/script2"
for how in ./cat ./link ./script ./script2 "./../ws/cat" \
	"$(ls /lib*/ld-linux-*.so.* | head -1) $(command -v id)" \
	'env id' 'nice id' 'bash -c "exec -a ls id"' \
	'sh -c "echo id | xargs -n1 env"'; do
	traced bash -c "$how; true"
	expect_no_out uid=
	expect_event "$blocked"
done

# a denied name may be a link to a file whose own name nobody denies
mkdir "$T/path"
cp "$(realpath /usr/bin/id)" "$T/path/tool.real"
ln -s tool.real "$T/path/nc"
SETTINGS="{\"path\": \"$T/path\", \"landlock\": {\"execute\": [\"$T/path\"]}}"
traced bash -c "cp $T/path/tool.real harmless && ./harmless"
expect_no_out uid=
expect_event "$blocked and (.filename | endswith(\"/harmless\"))"
SETTINGS='{}'

# a program that is known by its name is looked at again once it is another one
mkdir "$T/known"
for how in 'cp' 'cp --remove-destination'; do
	rm -f "$WS/ready" "$WS/go"
	cp --remove-destination /usr/bin/true "$T/known/tool"
	sleep 1.2 # only what has not changed for a while is remembered
	SETTINGS="{\"landlock\": {\"execute\": [\"$T/known\"]}}"
	(
		trap - EXIT
		eventually test -e "$WS/ready"
		$how /usr/bin/id "$T/known/tool" && touch "$WS/go"
	) &
	traced bash -c "t=$T/known/tool; \$t && \$t && \$t && echo knew
		touch ready; until [ -e go ]; do sleep 0.02; done; \$t; true"
	wait $!
	expect_out knew
	expect_no_out uid=
	expect_event "$blocked and .filename == \"$T/known/tool\""
done
SETTINGS='{}'

traced python3 -c '
import os, ctypes
data = open("/usr/bin/id", "rb").read()
fd = os.memfd_create("ls")
os.write(fd, data)
def attempt(f):
    try:
        f()
        print("ran")
    except OSError as e:
        print("errno", e.errno)
attempt(lambda: os.execve(fd, ["ls"], {}))
attempt(lambda: os.execv("/proc/self/fd/%d" % fd, ["ls"]))
c = ctypes.CDLL(None, use_errno=True)
def raw(argv):
    c.execve(b"/usr/bin/id", argv, None)
    print("errno", ctypes.get_errno())
raw(None)
raw(ctypes.c_void_p(8))
'
[ "$(grep -cx 'errno 13' "$T/out")" = 4 ] || fail 'memfd, NULL or bad argv ran'
expect_event "$blocked and .operation == \"unreadable arguments\""

traced no-such-program
expect_status 127
expect_message 'spawned error=2 step=exec'

traced python3 -c '
import ctypes
c = ctypes.CDLL(None, use_errno=True)
print(c.chroot(b"/"), ctypes.get_errno())'
expect_out '-1 1'
expect_event '.type == "seccomp_blocked" and .fields.syscall == "chroot" and .fields.outcome == "denied"'

SETTINGS='{"seccomp": {"notify": false}}'
traced bash -c 'echo floor'
expect_out floor
expect_message '^ready notify off'
expect_message '^spawned seccomp on'
