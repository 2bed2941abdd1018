#!/bin/bash
# SPDX-License-Identifier: MIT
# The demonstration end to end, configuration and policy unchanged: a container
# of its own (private root over this host's, with /workspace and shims in place
# of its shells), its start-up sequence, and every command of its application.
#
#	contract.sh          a private root here, or in the jail ($AGENTSH_JAIL)
#	contract.sh runc     a real container, by runc
. "$(dirname "$0")/../lib/case.sh"

engine=${1:-}
if [ "$engine" = runc ]; then
	command -v runc >/dev/null || skip "no runc"
fi
if [ "${2:-}" != container ]; then
	command -v ip >/dev/null || skip "no ip(8)"
	command -v curl >/dev/null || skip "no curl"
	unshare -nmpf --mount-proc true 2>/dev/null ||
		skip "no network, mount and process namespaces"
	unshare -nmpf --mount-proc --kill-child bash "$0" "$engine" container
	exit
fi

# All of $T is mounted, in a mount namespace that ends with us: what is left to
# clean up is an empty directory, and nothing may be removed below it.
leave() {
	local status=$?
	cd / || exit 1
	if [ "$status" != 0 ] && [ "$status" != 77 ]; then
		tail -20 "$T/root/run/test/server.log"
	fi
	umount -l "$T"
	rmdir "$T"/{run,data,ws} "$T"
	exit "$status"
}
R=$T/root
make_root() {
	trap leave EXIT
	mount -t tmpfs tmpfs "$T" || skip "no tmpfs"
	mkdir -p "$T"/{upper,work,root}
	mount -t overlay overlay \
		-o "lowerdir=/,upperdir=$T/upper,workdir=$T/work" "$R" \
		2>/dev/null || skip "no overlayfs over the host's root"
	for dir in dev tmp run var/lib var/log root; do
		mount -t tmpfs tmpfs "$R/$dir" || skip "no tmpfs"
	done
	mount -t proc proc "$R/proc" || skip "no /proc of its own"
	mount -t sysfs -o ro sysfs "$R/sys" || skip "no sysfs"
	mkdir "$R"/dev/{pts,shm}
	for node in null zero full random urandom tty; do
		cp -a "/dev/$node" "$R/dev/" || skip "no device nodes"
	done
	mount -t devpts -o newinstance,ptmxmode=0666 devpts "$R/dev/pts"
	ln -s pts/ptmx "$R/dev/ptmx"
	ln -s /proc/self/fd "$R/dev/fd"
	chmod 1777 "$R/tmp" "$R/dev/shm"
	mkdir -p "$R"/{workspace,run/test,etc/agentsh/policies} \
		"$R"/usr/{lib,libexec}/agentsh
	cp "$AGENTSH_BUILD"/cli/agentsh{,-shell-shim} "$R/usr/bin/"
	for worker in tracer vfs netproxy; do
		[ ! -f "$AGENTSH_BUILD/$worker/agentsh-$worker" ] ||
			cp "$AGENTSH_BUILD/$worker/agentsh-$worker" \
				"$R/usr/libexec/agentsh/"
	done
	cp "$SRC/data/bash_startup.sh" "$R/usr/lib/agentsh/"
	cp "$SRC/tests/golden/render/config.yaml" "$R/etc/agentsh/"
	cp "$SRC/tests/golden/render/default.yaml" "$R/etc/agentsh/policies/"
	cp "$SRC/tests/cases/render/contract.py" "$R/run/test/"
	echo 'echo bashrc was read' >"$R/root/.bashrc"
	[ -s "$R/etc/hostname" ] || echo container >"$R/etc/hostname"
}

# The start-up script of the demonstration, in our own words.
startup() {
	cat <<'SCRIPT'
set -e
[ -f /run/test/private-root ] # never on the host itself
cd /workspace
agentsh server start >/run/test/server.log 2>&1 &
for i in $(seq 1200); do
	! curl -sf -o /run/test/health http://127.0.0.1:18080/health || break
	[ "$i" != 1200 ] || { echo "no server in 120 s"; exit 1; }
	sleep 0.1
done
agentsh shim install # as it stands in one of its versions
agentsh shim install-shell --shim /usr/bin/agentsh-shell-shim --bash \
	--i-understand-this-modifies-the-host
cmp /bin/bash /usr/bin/agentsh-shell-shim
agentsh exec --root=/workspace warmup -- /bin/bash -c '/usr/bin/echo "shim ready"'
/bin/bash -c 'echo "a shell outside: $0"'
exec python3 /run/test/contract.py
SCRIPT
}

ip link set lo up
make_root
startup >"$R/run/test/startup.sh"
touch "$R/run/test/private-root"
if [ "$engine" = runc ]; then
	mkdir "$T/bundle"
	# up first: the network of the container has nothing but loopback
	sed -i '2i ip link set lo up 2>/dev/null || true' "$R/run/test/startup.sh"
	python3 "$SRC/tests/lib/oci_bundle.py" "$R" 0 /bin/bash \
		/run/test/startup.sh >"$T/bundle/config.json"
	runc --root "$T/runc" run -b "$T/bundle" "agentsh-test-$$"
	exit
fi
jail=
if [ -n "${AGENTSH_JAIL:-}" ]; then
	cp "${AGENTSH_JAIL%% *}" "$R/run/test/jail"
	jail="/run/test/jail --"
fi
# shellcheck disable=SC2086
env -i HOME=/root TERM=dumb PATH=/usr/sbin:/usr/bin:/sbin:/bin \
	AGENTSH_SERVER=http://127.0.0.1:18080 \
	chroot "$R" $jail /bin/bash /run/test/startup.sh
