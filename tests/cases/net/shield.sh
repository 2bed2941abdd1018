#!/bin/bash
# SPDX-License-Identifier: MIT
# The proxy that reads what commands send has no rights left (what it can do in
# spite of that is netproxy_shield's); the process that opens ways for datagrams
# has one. After it was killed and a new one came the same holds.
. "$(dirname "$0")/lib.sh"
cat "$HERE/policy.yaml" - >"$T/rules.yaml" <<-END
	  - name: echo
	    cidrs: ["93.184.216.0/24"]
	    ports: [7777]
	    decision: allow
END
POLICY_FILE=$T/rules.yaml
session
# of this session's server only; in a container there are no others, and without
# SYS_PTRACE nobody reads their variables
proxies() {
	local pid
	for pid in $(pgrep -x agentsh-netprox); do
		[ -n "${AGENTSH_CONTAINER:-}" ] ||
			grep -qz "$T" "/proc/$pid/environ" 2>/dev/null || continue
		echo "$pid"
	done
}
field() { awk -v f="$2:" '$1 == f { print $2 }' "/proc/$1/status"; }
check() {
	local pid n=0 keepers=0 seccomp

	for pid in $(proxies); do
		LAST="process $pid: $(tr '\n' ' ' <"/proc/$pid/status")"
		if [ "$(field "$pid" Seccomp)" = 2 ] &&
			[ "$(field "$pid" NoNewPrivs)" = 1 ] &&
			[ "$(field "$pid" CapEff)" = 0000000000000000 ]; then
			[ "$(field "$pid" CapPrm)" = 0000000000000000 ] || fail "permitted capabilities"
			[ "$(field "$pid" CapInh)" = 0000000000000000 ] || fail "inheritable capabilities"
			[ "$(field "$pid" CapAmb)" = 0000000000000000 ] || fail "ambient capabilities"
			n=$((n + 1))
		else
			[ "$(field "$pid" CapEff)" = 0000000000001000 ] || fail "not only CAP_NET_ADMIN"
			[ "$(field "$pid" CapPrm)" = 0000000000001000 ] || fail "not only CAP_NET_ADMIN"
			[ "$(ls "/proc/$pid/fd" | wc -l)" -le 4 ] || fail "the keeper has descriptors of the proxy"
			keepers=$((keepers + 1))
		fi
	done
	[ $n = 1 ] || fail "$n shielded proxies"
	[ "$keepers" = "${KEEPERS:-0}" ] || fail "$keepers keepers"
}
[ "${CAPTURE:-}" != namespace ] || KEEPERS=1
check
through http://good.test/before
expect_out "path=/before"
old=$(proxies)
kill -9 $old 2>/dev/null
gone() {
	local pid
	for pid in $old; do [ ! -d "/proc/$pid" ] || return 1; done
}
eventually gone || fail "it does not end"
in_session true
check
[ "$(proxies)" != "$old" ] || fail "the same as before"
through http://good.test/after
expect_out "path=/after"
