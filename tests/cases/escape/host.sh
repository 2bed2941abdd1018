# SPDX-License-Identifier: MIT
# host.sh - what of the machine is no file of the project: others' terminals,
# disks, processes, shared memory, sockets, what runs by itself later. Under the
# shipped policy, with each set of layers.
. "$(dirname "$0")/../server/lib.sh"
POLICY_FILE=$SRC/data/policies/default.yaml
case ${AGENTSH_LAYERS:-} in
*fuse*) [ -w /dev/fuse ] || skip "no /dev/fuse" ;;
esac
on() { case ${AGENTSH_LAYERS:-} in *$1*) echo true ;; *) echo false ;; esac; }
CONFIG_EXTRA="sandbox: {fuse: {enabled: $(on fuse)}, ptrace: {enabled: $(on ptrace)}, seccomp: {file_monitor: {write_only_opens: $(on fast)}}}"
command -v python3 >/dev/null || skip "no python3"
# not in scratch space, which commands may write to
case $AGENTSH_BUILD in /tmp/* | /var/tmp/*) home=/var/lib ;; *) home=$AGENTSH_BUILD ;; esac
HOME=$(mktemp -d "$home/home.XXXXXX")
export HOME
mkdir -p "$HOME/.local/share" "$HOME/.local/lib/python3.11/site-packages"
TMUX_DIR=$(mktemp -d /tmp/tmux-XXXXXX)

# Somebody's terminal, shared memory and tmux server; what reaches them is told.
cat >"$T/victim.py" <<-'PY'
	import ctypes, os, pty, select, socket, sys
	master, slave = pty.openpty()
	libc = ctypes.CDLL(None)
	shm = libc.shmget(0, 4096, 0o1600)
	libc.shmat.restype = ctypes.c_void_p
	ctypes.memmove(libc.shmat(shm, None, 0), b"sesame\0", 7)
	tmux = socket.socket(socket.AF_UNIX)
	tmux.bind(sys.argv[1])
	tmux.listen(5)
	print(os.ttyname(slave), shm, flush=True)
	os.write(master, b"sesame\n")
	while True:
	    for f in select.select([master, tmux], [], [], 60)[0]:
	        if f is tmux:
	            tmux.accept()[0].close()
	            print("connected", flush=True)
	        else:
	            print("typed", os.read(master, 99), flush=True)
PY
python3 "$T/victim.py" "$TMUX_DIR/default" >"$T/victim" 2>&1 &
VICTIM=$!
over() {
	local status=$?
	ipcrm -m "${SHM:-0}" 2>/dev/null
	kill "$VICTIM" 2>/dev/null
	[ -z "${SECOND_PROC:-}" ] || umount "$WS/image/proc"
	rm -rf "$TMUX_DIR" "$HOME"
	(exit $status)
	case_cleanup
}
trap over EXIT
wait_for test -s "$T/victim"
read -r PTS SHM <"$T/victim"
mknod "$WS/disk" b 7 0 2>/dev/null && head -c 1 "$WS/disk" >/dev/null 2>&1 && DISK=1
mkdir -p "$WS/image/proc"
case ${AGENTSH_JAIL:-} in
'') mount -t proc none "$WS/image/proc" 2>/dev/null && SECOND_PROC=1 ;;
esac
start_server
new_session s

attack() {
	NAME=$1
	printf '%s\n' "$2" >"$WS/attack.sh"
	sh_exec '. ./attack.sh'
	OUT=$(jq -r '(.result.stdout // "") + (.result.stderr // "")' "$T/out" | tr -d '\0')
	jq '[.events.blocked_operations[]?]' "$T/out" >"$T/blocked"
}
no_output() { ! grep -q -- "$1" <<<"$OUT" || fail "$NAME: got past: $OUT"; }
output() { grep -q -- "$1" <<<"$OUT" || fail "$NAME: lacks $1: $OUT"; }
recorded() { jq -e "any(.[]; $1)" "$T/blocked" >/dev/null || fail "$NAME: not on record: $(jq -c '.[] | [.path, .policy.rule]' "$T/blocked" | head -20)"; }
by() { recorded ".policy.rule == \"$1\""; }

# --- terminals
attack type_into "echo injected >$PTS; echo injected >>$PTS; cat </dev/null >$PTS"
by terminal-guard
attack listen "timeout 2 head -c 3 $PTS; timeout 2 dd if=$PTS bs=3 count=1"
no_output ses
[ "$(on fast)" = true ] || by terminal-guard
attack by_descriptor "python3 -c \"
import os
fd = os.open('$PTS', os.O_PATH)
os.close(os.open('/proc/self/fd/%d' % fd, os.O_RDWR)); print('got it')\""
no_output 'got it'
by terminal-guard
attack open_up "chmod 666 $PTS; chown nobody $PTS"
[ "$(stat -c %a "$PTS")" != 666 ] || fail "others may write to the terminal"
attack consoles 'for d in /dev/console /dev/tty0 /dev/tty1 /dev/vcs; do head -c 1 $d >/dev/null && echo "read $d"; done'
no_output '^read'
! grep -q injected "$T/victim" || fail "typed into a terminal: $(cat "$T/victim")"
# one's own is one's own
# (some containers have one that nobody may open)
if [ "$(${AGENTSH_JAIL:+$AGENTSH_JAIL --} stat -Lc %a /dev/ptmx)" != 0 ]; then
	attack own 'python3 -c "
import os, pty
m, s = pty.openpty()
name = os.ttyname(s)
os.close(s)
os.close(os.open(name, os.O_RDWR | os.O_NOCTTY)); print(\"own\")
pty.spawn([\"sh\", \"-c\", \"echo by tty >/dev/tty; echo by name >\$(tty)\"])"'
	output own
	output 'by tty'
	output 'by name'
fi

# --- devices
if [ "${DISK:-}" ]; then
	attack disk 'head -c 1 disk | wc -c; dd if=disk bs=1 count=1 2>/dev/null | wc -c; python3 -c "
import os
os.read(os.open(\"disk\", os.O_RDONLY), 1); print(\"got it\")"'
	no_output '^[1-9]'
	no_output 'got it'
	by device-guard
fi
attack memory 'for d in /dev/mem /dev/kmsg /dev/port /dev/loop-control; do head -c 1 $d >/dev/null && echo "read $d"; done; head -c 1 /dev/zero | wc -c'
no_output '^read'
output '^1$'

# everybody's: its mode stays as it is
attack node 'before=$(stat -c %a /dev/zero); chmod +t /dev/zero; python3 -c "
import os
os.fchmod(os.open(\"/dev/zero\", os.O_RDONLY), 0o1666)"
	[ $(stat -c %a /dev/zero) = $before ] || { echo changed; chmod $before /dev/zero; }'
no_output changed
by device-guard

# --- processes
attack oom "echo 1000 >/proc/$SERVER_PID/oom_score_adj; echo 1000 >/proc/$VICTIM/oom_score_adj; echo 500 >/proc/self/oom_score_adj && echo own"
output own
by process-guard
for p in $SERVER_PID $VICTIM; do
	[ "$(cat "/proc/$p/oom_score_adj")" -lt 500 ] || fail "oom_score_adj of $p"
done
# what in /proc is no process's belongs to the machine: no rule names it here
attack kernel_settings 'for f in /proc/irq/default_smp_affinity /proc/mtrr /proc/sysrq-trigger; do
	(exec 3<>$f) && echo "opened $f"; (exec 3>>$f) && echo "opened $f"; done'
no_output '^opened'
# a chroot's procfs shows our processes by other names
if [ "${SECOND_PROC:-}" ]; then
	attack second_procfs 'for f in image/proc/$PPID/maps image/proc/$PPID/fd/0 image/proc/self/status; do head -c 9 $f && echo "read $f"; done'
	no_output '^read'
	recorded '(.path // "") | contains("image/proc")'
fi
attack memory_shared "python3 -c \"
import ctypes
libc = ctypes.CDLL(None)
libc.shmat.restype = ctypes.c_void_p
a = libc.shmat($SHM, None, 0)
print(ctypes.string_at(a, 6).decode() if a and a != 2 ** 64 - 1 else 'none')\"; ipcrm -m $SHM"
api GET /api/v1/sessions/s
if jq -e 'any(.protection[]; .name == "ipc" and .active)' "$T/out" >/dev/null; then
	no_output sesame
	ipcs -m | grep -q " $SHM " || fail "shared memory is gone"
fi
attack lease 'python3 -c "
import fcntl, os
fcntl.fcntl(os.open(\"/etc/passwd\", os.O_RDONLY), fcntl.F_SETLEASE, fcntl.F_RDLCK); print(\"held up\")"'
no_output 'held up'

# --- what the filter refuses for its arguments is on record, each
cp "$(dirname "$0")/refused.py" "$WS"
attack refused 'python3 refused.py'
no_output '^got'
output '^asked'
need=$(sed -n 's/^asked //p' <<<"$OUT")
[ -z "${AGENTSH_JAIL:-}${AGENTSH_CONTAINER:-}" ] || need=20 # a container's own filter comes first
jq -e --argjson n "$need" '[.[] | select(.type | test("^seccomp_.*blocked$"))] | length >= $n' \
	"$T/blocked" >/dev/null || fail "not all on record: $(jq -c '[.[] | .fields.syscall]' "$T/blocked")"

# --- sockets of persons
attack tmux "python3 -c \"
import socket
socket.socket(socket.AF_UNIX).connect('$TMUX_DIR/default'); print('connected')\""
no_output connected
recorded '(.path // "") | endswith("/default")'
! grep -q connected "$T/victim" || fail "reached a tmux server"

# --- a working directory is no permission
sh_exec 'pwd; echo x >agentsh-case' '"working_dir": "/etc"'
[ ! -e /etc/agentsh-case ] || fail "wrote into its working directory"

# --- what a person would run later
attack later 'git init -q .; for f in .git/hooks/pre-commit ~/.bashrc ~/.ssh/authorized_keys ~/.config/systemd/user/x.service \
	~/.local/share/systemd/user/x.service ~/.local/lib/python3.11/site-packages/x.pth ~/.config/autostart/x.desktop /etc/cron.d/x \
	/var/spool/cron/crontabs/root; do mkdir -p "${f%/*}"; echo x >"$f"; done
	echo x >hook; chmod +x hook; mv hook .git/hooks/post-merge; ln -s ../../x .git/hooks/post-checkout; ln hook .git/hooks/pre-push
	cp .git/hooks/pre-push.sample .git/hooks/pre-rebase; mv .git/hooks/pre-push.sample .git/hooks/pre-push'
by protect-git-hooks
by protect-what-starts-by-itself
# git's own samples are there
ls "$WS"/.git/hooks/*.sample >/dev/null || fail "git init could not do its work"
for f in "$HOME/.bashrc" "$HOME/.ssh" "$HOME/.config/systemd" "$HOME/.local/share/systemd/user/x.service" \
	"$HOME/.local/lib/python3.11/site-packages/x.pth" "$HOME/.config/autostart" /etc/cron.d/x; do
	[ ! -e "$f" ] || fail "$f was made"
done
ls "$WS/.git/hooks" | grep -v sample && fail "a hook was planted"
# nor comes one with its directory, or by way of a link
rm -rf "$WS/.git"
attack later_moved 'plant() { mkdir -p "$1"; echo x >"$1/pre-commit"; }
	git init -q t; plant t/.git/hooks; mv t/.git .git
	git init -q .; plant h; rm -r .git/hooks; mv h .git/hooks
	plant h; ln -s ../h .git/hooks; mkdir u; ln -s ../../h u/hooks; mv u .git/hooks; rm -r .git/hooks; mv .git old; mv u .git
	mv old .git; mv .git g; ln -s g .git; plant g/hooks; rm .git; mv g .git
	plant k; mkdir -p .git/hooks; mv --exchange k .git/hooks; mkdir .git/hooks; python3 -c "
import ctypes
ctypes.CDLL(None).renameat2(-100, b\"k\", -100, b\".git/hooks\", 2)"'
by protect-git-hooks
[ "$(jq '[.[] | select(.policy.rule == "protect-git-hooks")] | length' "$T/blocked")" -ge 5 ] ||
	fail "later_moved: not all on record: $(jq -c '.[] | [.type, .path]' "$T/blocked")"
[ ! -e "$WS/.git/hooks/pre-commit" ] || fail "a hook came with its directory"
exit 0
