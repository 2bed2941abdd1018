# SPDX-License-Identifier: MIT
# floor-only.sh - neither notifications nor ptrace: what Landlock and the static
# filter hold by themselves, under the shipped policy
. "$(dirname "$0")/../server/lib.sh"
POLICY_FILE=$SRC/data/policies/default.yaml
CONFIG_EXTRA='sandbox: {fuse: {enabled: false}}'
command -v python3 >/dev/null || skip "no python3"
start_server
new_session s
sh_exec true # it is told once something has run
api GET /api/v1/sessions/s
jq -e 'any(.protection[]; .name == "landlock" and .active)' "$T/out" >/dev/null || skip "no Landlock"
expect_json 'any(.protection[]; .name == "notify" and (.active | not))'

script() { # out of sight of the check before it runs, which is strict here
	printf '%s\n' "$1" >"$WS/attack.sh"
	sh_exec '. ./attack.sh'
	jq -r '.result.stdout // ""' "$T/out" >"$T/stdout"
}
refused() { # NAME SCRIPT: it prints "got it" if it did
	script "$2"
	! grep 'got it' "$T/stdout" || fail "$1 got past"
}
works() {
	script "$2"
	grep -q 'as it should' "$T/stdout" || fail "$1: $(jq -c .result "$T/out")"
}
works ordinary 'echo x >file && cat file >/dev/null && ls / >/dev/null && mkdir d && rmdir d && rm file && echo as it should'
refused read 'cat /etc/shadow >/dev/null && echo got it; cat <"/proc/self/root/etc/shadow" && echo got it'
refused write 'echo x >/etc/agentsh-case && echo got it; echo x >>/etc/passwd && echo got it; rm /etc/hostname && echo got it'
refused link 'ln -s /etc out; echo x >out/agentsh-case && echo got it; mv out/hostname . && echo got it'
refused kernel 'p=$(cat /proc/sys/kernel/core_pattern); echo "$p" >/proc/sys/kernel/core_pattern && echo got it
	echo 1 >/sys/kernel/profiling && echo got it; echo 0 >/proc/sysrq-trigger && echo got it'
refused devices 'for d in /dev/loop0 /dev/tty1 /dev/kmsg /dev/mem; do head -c 1 $d >/dev/null && echo got it; done'
works harmless 'head -c 1 /dev/zero >/dev/null && head -c 1 /dev/urandom >/dev/null && echo as it should'
refused oom "echo 1000 >/proc/$SERVER_PID/oom_score_adj && echo got it"
refused server "kill -0 $SERVER_PID && echo got it; head -c 1 /proc/$SERVER_PID/environ && echo got it"
refused control "curl -s $AGENTSH_SERVER/api/v1/sessions | grep '\"id\"' && echo got it"
refused network 'python3 -c "
import socket
s = socket.socket(); s.settimeout(2); s.connect((\"192.0.2.1\", 80)); print(\"got it\")"
python3 -c "
import socket
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b\"x\", (\"192.0.2.1\", 9)); print(\"got it\")"'
refused kernel_entries 'python3 -c "
import ctypes, os
libc = ctypes.CDLL(None)
own = {\"x86_64\": (101, 155, 165, 166, 272, 298, 310, 311, 321, 323),
       \"aarch64\": (117, 41, 40, 39, 97, 241, 270, 271, 280, 282)}
for nr in own[os.uname().machine] + (425, 428, 430, 438):
    if libc.syscall(nr, 0, 0, 0, 0, 0) >= 0: print(\"got it\", nr)"'
# what is weaker is said
expect_json_of() { api GET /api/v1/sessions/s; expect_json "$1"; }
expect_json_of 'any(.protection[]; .name == "undo" and (.active | not))'
exit 0
