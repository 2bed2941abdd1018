#!/bin/bash
# SPDX-License-Identifier: MIT
# The proxy against a direct connection, squid and tinyproxy (those that are
# installed), on loopback: requests, new tunnels, bulk, idle tunnels. Prints a
# table; figures mean something only beside those of the same run.
#
#	meson test -C build --benchmark net
. "$(dirname "$0")/../cases/lib/case.sh"
command -v wrk >/dev/null || skip "wrk is not installed"
BENCH=$AGENTSH_BUILD/tests/bench/net_origin
SECONDS_EACH=${SECONDS_EACH:-3}
PIDS=
trap 'status=$?; kill $PIDS 2>/dev/null; (exit $status); case_cleanup' EXIT

ORIGIN=$(free_port)
"$BENCH" serve "$ORIGIN" & PIDS="$PIDS $!"
mkdir -p "$T/policies"
cat >"$T/policies/default.yaml" <<-END
	version: 1
	name: bench
	command_rules:
	  - {name: all, commands: ["*"], decision: allow}
	network_rules:
$(for i in $(seq 1000); do
	echo "  - {name: d$i, domains: [\"host$i.example.com\"], cidrs: [\"11.$((i / 256)).$((i % 256)).0/24\"], decision: deny}"
done)
	  - {name: loopback, cidrs: ["127.0.0.0/8"], decision: allow}
END
sed -i 's/^\t*//' "$T/policies/default.yaml"
POLICY_FILE=$T/policies/default.yaml
cp "$POLICY_FILE" "$T/bench.yaml"
POLICY_FILE=$T/bench.yaml
start_server
in_session sh -c 'echo $HTTP_PROXY'
AGENTSH=${AGENTSH_PROXY:-$(sed 's#http://##' "$T/out")}
[ -n "$AGENTSH" ] || fail "no proxy"
NETPROXY=$(pgrep -P "$SERVER_PID" -f agentsh-netproxy | head -1)

cat >"$T/abs.lua" <<-'END'
	request = function()
	  return wrk.format("GET", "http://" .. os.getenv("TARGET") .. "/")
	end
END
export TARGET=127.0.0.1:$ORIGIN
cpu() { awk '{ print $14 + $15 }' "/proc/$1/stat" 2>/dev/null || echo 0; }
rate() { awk '/Requests\/sec/ { print $2 }'; }

measure() { # NAME ADDRESS [PID]
	local name=$1 at=$2 pid=${3:-} url=http://$2/ script=(-s "$T/abs.lua")
	local proxy=(--proxy "http://$at") before after rps

	[ "$name" = direct ] && { script=(); proxy=(--noproxy '*'); }
	wrk -t1 -c4 -d1 "${script[@]}" "$url" >/dev/null
	before=$(cpu "$pid")
	rps=$(wrk -t1 -c32 -d"$SECONDS_EACH" "${script[@]}" "$url" | rate)
	after=$(cpu "$pid")
	one=$(wrk -t1 -c1 -d"$SECONDS_EACH" "${script[@]}" "$url" | rate)
	tunnel=$([ "$name" = direct ] && "$BENCH" tunnel "$TARGET" 3000 ||
		"$BENCH" tunnel "$TARGET" "$at" 3000)
	bulk=$(for _ in 1 2 3; do
		curl -s -p "${proxy[@]}" -o /dev/null -w '%{speed_download}\n' \
			"http://$TARGET/big"
	done | sort -n | tail -1)
	printf '%-10s %10.0f %10.0f %8s %10.1f %8.2f\n' "$name" "$rps" "$one" \
		"$([ -n "$pid" ] && awk "BEGIN { printf \"%.1f\", ($after - $before) * 10000 / ($rps * $SECONDS_EACH) }")" \
		"$tunnel" "$(awk "BEGIN { print $bulk / 1e9 }")"
}

printf '%-10s %10s %10s %8s %10s %8s\n' "" "req/s c=32" "req/s c=1" "us CPU" "tunnel us" "GB/s"
measure direct "$TARGET"
measure agentsh "$AGENTSH" "$NETPROXY"
# the floor of any relay: bytes spliced, no policy, nothing read
BARE=$(free_port)
"$BENCH" relay "$BARE" "$TARGET" & PIDS="$PIDS $!"
sleep 0.2
bulk() { # CURL-ARG...: best of five
	for _ in 1 2 3 4 5; do
		curl -s "$@" -o /dev/null -w '%{speed_download}\n'
	done | sort -n | tail -1 | awk '{ printf "%.2f", $1 / 1e9 }'
}
echo "bulk GB/s: direct $(bulk --noproxy '*' "http://$TARGET/big"), bare relay $(bulk \
	--noproxy '*' "http://127.0.0.1:$BARE/big"), agentsh $(bulk -p --proxy \
	"http://$AGENTSH" "http://$TARGET/big")"
if command -v tinyproxy >/dev/null; then
	port=$(free_port)
	printf 'Port %s\nListen 127.0.0.1\nMaxClients 500\nLogLevel Critical\n' "$port" >"$T/tiny.conf"
	tinyproxy -d -c "$T/tiny.conf" >/dev/null 2>&1 & PIDS="$PIDS $!"
	sleep 0.5
	measure tinyproxy "127.0.0.1:$port" $!
fi
if command -v squid >/dev/null; then
	port=$(free_port)
	cat >"$T/squid.conf" <<-END
		http_port 127.0.0.1:$port
		http_access allow all
		cache deny all
		access_log none
		cache_log /dev/null
		pid_filename none
		shutdown_lifetime 0 seconds
	END
	squid -N -f "$T/squid.conf" >/dev/null 2>&1 & PIDS="$PIDS $!"
	sleep 2
	measure squid "127.0.0.1:$port" $!
fi

# own connections of a command, in turns with the same outside
cp "$BENCH" "$WS/origin"
for _ in 1 2 3; do
	"$BENCH" connect "$TARGET" 4000 >>"$T/native"
	in_session ./origin connect "$TARGET" 4000
	cat "$T/out" >>"$T/mediated"
done
for way in native mediated; do
	sort -n "$T/$way" | awk -v way=$way 'NR == 1 { best = $1 } { p50[NR] = $2; p99[NR] = $3 }
		END { printf "connect %-9s best %.1f  p50 %.1f  p99 %.1f us\n", way, best, p50[2], p99[2] }'
done
"$AGENTSH_BUILD/tests/unit/confine/test_confine_netns" 2>/dev/null | grep netns_open

rss() { awk '/VmRSS/ { print $2 }' "/proc/$NETPROXY/status"; }
idle=$(rss)
coproc TUNNELS { "$BENCH" idle "$AGENTSH" "$TARGET" 5000; }
PIDS="$PIDS $TUNNELS_PID"
read -r -u "${TUNNELS[0]}" word
echo "netproxy RSS: $idle kB, with 5000 tunnels ${word:+$(rss) kB}"
