#!/bin/bash
# SPDX-License-Identifier: MIT
# test-in-container.sh - the suites inside a container like Render's, by runc
#
# Usage: test-in-container.sh [-s] [-u UID]... [-o DIR] [-c COMMAND]
#			      BUILD_DIR [TEST...]
#   -s  a choice that fits CI, instead of every suite
#   -u  run as this user (may be repeated); 0 and 1000 without it
#   -o  keep the logs there
#   -c  run a command there instead, in the source tree
#   TEST: meson test names, instead of the choice
#
# The container's root is an overlay over this machine's, so that the programs
# which the tests use are there; what it may do is what tests/lib/oci_bundle.py
# writes: Docker's capabilities and its filter of system calls, no FUSE, no
# ptrace, no namespaces, no cgroups. Nothing of it is left afterwards. Variants
# of scenarios for other hosts (their names hold an @) are left out: the
# container is one host. Ends with "N passed, N failed, N skipped" for each user.
set -u
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:$PATH
short= uids= out= command=
while getopts su:o:c: o; do
	case $o in
	s) short=1 ;;
	u) uids="$uids $OPTARG" ;;
	o) out=$(realpath -m "$OPTARG") ;;
	c) command=$OPTARG ;;
	*) sed -n '5,11s/^# \{0,1\}//p' "$0" && exit 2 ;;
	esac
done
shift $((OPTIND - 1))
build=$(cd "${1:?usage: test-in-container.sh BUILD_DIR}" && pwd) || exit 2
shift
src=$(cd "$(dirname "$0")/.." && pwd)
uids=${uids:-0 1000}

skip() {
	echo "SKIP: $*"
	exit 77
}

SHORT="floor escape/classes escape/oneshot cli/detect-host cli/run server/exec
server/sessions server/callers tracer/exec tracer/files tracer/redirect
undo/files undo/git undo/ux lifecycle/ends dlp/output net/proxy net/whose
llm/basic readme/demo render/commands render/files render/network"

# Not for a container: kernels, containers and jails of their own.
ELSEWHERE='^(floor_kernels|container|escape/floor-only|render/contract|render/contract_runc)$'

if [ -z "${AGENTSH_IN_PRIVATE:-}" ]; then
	[ "$(id -u)" = 0 ] || skip "no root: a container cannot be made"
	for tool in runc unshare meson; do
		command -v $tool >/dev/null || skip "no $tool"
	done
	unshare -mpf --mount-proc true 2>/dev/null || skip "no namespaces"
	T=$(mktemp -d "${TMPDIR:-/tmp}/agentsh-container.XXXXXX") || exit 1
	trap 'rmdir "$T" 2>/dev/null' EXIT
	options=()
	[ -z "$short" ] || options+=(-s)
	[ -z "$out" ] || options+=(-o "$out")
	[ -z "$command" ] || options+=(-c "$command")
	for uid in $uids; do options+=(-u "$uid"); done
	AGENTSH_IN_PRIVATE=$T unshare -mpf --mount-proc --kill-child \
		bash "$0" "${options[@]}" "$build" "$@" &
	all=$! # with it, everything in there ends; it ignores SIGTERM
	trap 'kill -KILL $all; wait $all; exit 143' TERM INT HUP
	wait $all
	exit
fi
T=$AGENTSH_IN_PRIVATE
unset AGENTSH_IN_PRIVATE

# over DIR [LOWER]: a writable layer over DIR (LOWER), in the container's root
n=0
over() {
	n=$((n + 1))
	mkdir -p "$T/up$n" "$T/work$n" "$T/empty" "$R$1"
	mount -t overlay overlay -o \
		"lowerdir=${2-$1},upperdir=$T/up$n,workdir=$T/work$n" "$R$1"
}
# npm's packages for the web service and the official clients: there is no
# network in the container
packages() {
	command -v npm >/dev/null || return 0
	mkdir -p "$R/opt/sdk"
	(cd "$R$src/deploy/render" && timeout 120 npm install --no-audit \
		--no-fund) >"$T/npm.log" 2>&1 || true
	(cd "$R/opt/sdk" && timeout 120 npm install --no-audit --no-fund \
		@anthropic-ai/sdk openai) >>"$T/npm.log" 2>&1 || true
}

# make_root UID: in $R
make_root() {
	R=$T/root
	mount -t tmpfs -o mode=755 tmpfs "$T" || skip "no tmpfs"
	mkdir -p "$R"
	over / || skip "no overlayfs over this machine's root"
	local dir
	for dir in /tmp /run /var/tmp; do
		over $dir "$T/empty" || skip "no overlayfs over $dir"
	done
	for dir in "$src" "$build"; do # where they are mounted on their own
		[ -f "$R$dir/build.ninja" ] || [ -f "$R$dir/meson.build" ] ||
			over "$dir" || skip "no overlayfs over $dir"
	done
	mkdir -p "$R"/{tmp,var/tmp,run,workspace,home/tester}
	chmod 1777 "$R/tmp" "$R/var/tmp" "$R/workspace"
	[ -s "$R/etc/hostname" ] || echo container >"$R/etc/hostname"
	grep -q localhost "$R/etc/hosts" || echo 127.0.0.1 localhost >>"$R/etc/hosts"
	# as in a fresh image: no agentsh installed, no server's data
	rm -rf "$R"/var/lib/agentsh "$R"/etc/agentsh "$R"/root/.agentsh
	if [ "$1" != 0 ]; then
		grep -q "^[^:]*:[^:]*:$1:" "$R/etc/passwd" ||
			echo "tester:x:$1:$1::/home/tester:/bin/bash" \
				>>"$R/etc/passwd"
		chown "$1:$1" "$R/home/tester"
		chmod a+x "$R/root" # an interpreter may be in there
	fi
	[ -n "$short$command" ] || packages
	printf '[safe]\n\tdirectory = *\n' >>"$R/etc/gitconfig"
	rm -rf "$R$build/meson-logs"
	mkdir "$R$build/meson-logs"
	chown -R "$1:$1" "$R$build/meson-logs" "$R$build/meson-private"
	chown "$1:$1" "$R$build" "$R$build"/.ninja_*
	# small disks, for the tests that fill one
	mkdir -p "$T/bundle" "$R"/disk/{tiny,small}
	chmod 1777 "$R"/disk/* # of the mounts too, says runc
	export OCI_TMPFS="/disk/tiny:2m /disk/small:6m"
}

# the container's network: the addresses of tests/cases/net/internet.py on its
# loopback device, and ports that anybody may listen on, as engines have it
network() {
	unshare -n sleep 1000000 &
	NET=$!
	# never this machine's own
	until [ "$(readlink /proc/$NET/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do
		sleep 0.05
	done
	nsenter -t $NET -n python3 "$src/tests/cases/net/internet.py" \
		"$T" --addresses
	nsenter -t $NET -n sh -c 'echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start'
	rm -f "$R/etc/resolv.conf"
	echo "nameserver 9.9.9.9" >"$R/etc/resolv.conf"
	export OCI_NETNS=/proc/$NET/ns/net
	nsenter -t $NET -n python3 "$src/tests/cases/net/witness.py" \
		"$R/run/witness.sock" &
	WITNESS=$!
	until [ -S "$R/run/witness.sock" ]; do sleep 0.05; done
}

# what runs in the container: the tests, by name
inside() {
	cat <<-SCRIPT
	cd '$src' || exit 1
	export LC_ALL=C.UTF-8 HOME=$1 AGENTSH_CONTAINER=1 AGENTSH_NET_READY=1
	unset AGENTSH_SERVER
	[ "\$(id -u)" = 0 ] || export AGENTSH_WITNESS=/run/witness.sock
	export AGENTSH_BUILD='$build'
	tests='$2'
	[ -n "\$tests" ] || tests=\$(meson test -C '$build' --no-rebuild --list \\
		--suite unit --suite golden --suite corpus --suite cases \\
		--suite escape 2>/dev/null | sed -n 's|.* / ||p' | grep -v @ |
		grep -vE '$ELSEWHERE')
	wc -w <<<"\$tests" >'$build/meson-logs/wanted'
	run() {
		meson test -C '$build' --no-rebuild --print-errorlogs -t 3 \\
			--num-processes 1 --logbase "\$@"
	}
	export -f run
	python3 scripts/guard-tests.py '$build/meson-logs/left.json' 5400 \\
		bash -c 'run "\$@"' run container \$tests
	# what failed is run once more by itself; the count names it
	failed=\$(python3 scripts/count-tests.py --failed \\
		'$build/meson-logs/container.json')
	[ -z "\$failed" ] || run container-again \$failed
	SCRIPT
}

# one UID HOME: a container, the tests, the count
one() {
	local uid=$1 home=$2 tests="$3" status logs missing
	make_root "$uid"
	network
	inside "$home" "$tests" >"$R/run/inside.sh"
	if [ -n "$command" ]; then
		sed -i '/^tests=/,$d' "$R/run/inside.sh"
		printf '%s\n' "$command" >>"$R/run/inside.sh"
	fi
	python3 "$src/tests/lib/oci_bundle.py" "$R" "$uid" /bin/bash \
		/run/inside.sh >"$T/bundle/config.json"
	date +%s%N >"$R/run/began"
	runc --root "$T/runc" run -b "$T/bundle" "agentsh-test-$$" 2>&1 |
		grep --line-buffered -vE \
			'^(ninja|Ok:|Expected Fail|Unexpected Pass|Timeout|$|Full log)'
	status=${PIPESTATUS[0]}
	kill $NET $WITNESS
	if [ -n "$command" ]; then
		cd /
		umount -l "$T"
		n=0
		return "$status"
	fi
	logs=$R$build/meson-logs
	if [ -n "$out" ]; then
		mkdir -p "$out/uid$uid"
		cp "$logs"/* "$out/uid$uid/"
	fi
	echo "== container, uid $uid"
	# what never ran is a failure too: meson may have been stopped
	missing=$(($(cat "$logs/wanted") - $(grep -c . "$logs/container.json")))
	[ "$missing" = 0 ] || echo "$missing tests did not run"
	python3 "$src/scripts/count-tests.py" $((missing > 0)) "$logs/container.json" \
		"$logs/left.json"
	status=$?
	cd /
	umount -l "$T"
	n=0
	return $status
}

tests="$*"
[ -n "$tests" ] || [ -z "$short" ] || tests=$(echo $SHORT)
bad=0
for uid in $uids; do
	home=/root
	[ "$uid" = 0 ] || home=/home/tester
	one "$uid" "$home" "$tests" || bad=1
done
exit $bad
