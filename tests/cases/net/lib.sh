# SPDX-License-Identifier: MIT
# Scenarios of the network: inside a network and mount namespace of their own,
# with an internet of their own (internet.py) and a session whose policy is
# policy.yaml. $PROXY is the address of the session's proxy.
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# In a container the network is there already, and who may look at its packets
# for another user than root (scripts/test-in-container.sh, witness.py).
if [ -n "${AGENTSH_NET_READY:-}" ]; then
	[ "$(id -u)" = 0 ] || [ -n "${AGENTSH_WITNESS:-}" ] || {
		echo "SKIP: no packet capture for another user than root"
		exit 77
	}
elif [ -z "${AGENTSH_NET_CASE:-}" ]; then
	unshare -nm true 2>/dev/null || {
		echo "SKIP: no network namespace (CAP_SYS_ADMIN)"
		exit 77
	}
	for tool in ip curl openssl python3; do
		command -v $tool >/dev/null || {
			echo "SKIP: $tool is not installed"
			exit 77
		}
	done
	AGENTSH_NET_CASE=1 exec unshare -nm "$BASH" "$0" "$@"
fi
. "$HERE/../lib/case.sh"

internet() {
	mkdir -p "$T/net"
	touch "$T/net/packets" "$T/net/queries"
	echo "nameserver 9.9.9.9" >"$T/net/resolv.conf"
	if [ -z "${AGENTSH_NET_READY:-}" ]; then
		mount --make-rprivate / && mount --bind "$T/net/resolv.conf" \
			"$(realpath /etc/resolv.conf)" ||
			skip "cannot bind /etc/resolv.conf"
	fi
	python3 "$HERE/internet.py" "$T/net" >"$T/net/log" 2>&1 &
	INTERNET=$!
	trap 'status=$?; kill $INTERNET 2>/dev/null; (exit $status); case_cleanup' EXIT
	there() {
		[ -f "$T/net/ready" ] && return
		kill -0 $INTERNET 2>/dev/null || { cat "$T/net/log"; fail "no internet"; }
		return 1
	}
	eventually there || fail "the internet did not start"
}

capture_config() {
	case ${CONFIG_EXTRA:-} in
	*'sandbox:
  network:'*) CONFIG_EXTRA=${CONFIG_EXTRA/  network:/  network:
    transparent: {enabled: true\}} ;;
	*) CONFIG_EXTRA="${CONFIG_EXTRA:-}
sandbox:
  network:
    transparent: {enabled: true}" ;;
	esac
}

. "$HERE/../lib/other_netproxy.sh"

session() {
	[ -z "${PROXY_BUILD:-}" ] || other_netproxy "$PROXY_BUILD"
	POLICY_FILE=${POLICY_FILE:-$HERE/policy.yaml}
	if [ -n "${POLICY_MORE:-}" ]; then
		cat "$POLICY_FILE" - <<<"$POLICY_MORE" >"$T/more.yaml"
		POLICY_FILE=$T/more.yaml
	fi
	[ "${CAPTURE:-}" != namespace ] || capture_config
	internet
	start_server
	in_session sh -c 'echo $HTTPS_PROXY'
	expect_status 0
	PROXY=$(cat "$T/out")
	[ -n "$PROXY" ] || fail "the session has no proxy"
	[ "${CAPTURE:-}" != namespace ] || captured
	export CURL_CA_BUNDLE=$T/net/ca.pem
}

# The session really is in a namespace of its own.
captured() {
	curl -fsS "$AGENTSH_SERVER/api/v1/sessions/s" >"$T/out" &&
		jq -e 'any(.protection[]; .name == "namespace" and .active)' \
			"$T/out" >/dev/null && return
	grep -q 'not permitted' "$T/out" && skip "no namespace can be made here"
	fail "the session has no namespace"
}

# through CURL-ARG...: by the proxy, from outside the session
through() { run curl -sS --max-time 60 --proxy "$PROXY" "$@"; }
# Waits until the capture has written what was sent before: it sees a datagram
# of ours after it.
caught_up() {
	local port=$((20000 + RANDOM))
	echo >/dev/udp/9.9.9.9/$port
	eventually grep -q "^17 9.9.9.9 $port" "$T/net/packets" ||
		fail "the capture does not work"
}
# expect_reached PROTOCOL ADDRESS [PORT]: some packet went there
expect_reached() {
	caught_up
	grep -q "^$1 $2 ${3:-}" "$T/net/packets" || fail "nothing was sent to $*"
}
expect_untouched() {
	caught_up
	! grep -q "^$1 $2 ${3:-}" "$T/net/packets" || fail "something was sent to $*"
}
expect_refused() {
	grep -q 'blocked by policy' "$T/out" || fail "not refused: $LAST"
}
