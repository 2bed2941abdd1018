# SPDX-License-Identifier: MIT
# own_host.sh - sourced, after case.sh

# own_host KINDS "$@": for a script that starts a server at the default port, the
# one that all find. Runs it again, with `inside`, in namespaces of these kinds
# (unshare's letters), which take the server along when it ends. A container of
# the tests is such a place already: there it returns, and the way out takes
# along what runs.
own_host() {
	local kinds=$1

	if [ "${2:-}" = inside ]; then
		ip link set lo up
		return
	fi
	if [ -n "${AGENTSH_CONTAINER:-}" ]; then
		! pgrep -x agentsh >/dev/null || fail "another server runs here"
		trap 'STATUS=$?; own_host_end; (exit $STATUS); case_cleanup' EXIT
		return
	fi
	command -v ip >/dev/null || skip "no ip(8)"
	unshare "-${kinds}pf" --mount-proc true 2>/dev/null ||
		skip "no namespaces of these kinds: $kinds"
	unshare "-${kinds}pf" --mount-proc --kill-child bash "$0" inside
	exit
}
own_host_end() {
	pkill -x agentsh
	none_left() { ! pgrep -x agentsh >/dev/null; }
	eventually none_left || pkill -KILL -x agentsh
}
