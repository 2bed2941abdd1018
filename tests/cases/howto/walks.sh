#!/bin/bash
# SPDX-License-Identifier: MIT
# walks.sh - the package is built, and what the how-tos for a laptop and a virtual
# machine say is done word for word on a root of its own (scripts/walk.sh)
. "$(dirname "$0")/../lib/case.sh"

[ "$(id -u)" = 0 ] || skip "no root: nothing can be mounted"
for tool in dpkg-deb useradd git make; do
	command -v $tool >/dev/null || skip "no $tool"
done
unshare -mpf --mount-proc true 2>/dev/null || skip "no namespaces"
# beside the build tree, which the compiler's cache knows
AGENTSH_DEB_BUILD=$AGENTSH_BUILD-deb AGENTSH_DEB_BUILDTYPE=debugoptimized \
	bash "$SRC/packaging/build-deb.sh" "$T" >"$T/build.log" 2>&1 ||
	{ tail -20 "$T/build.log"; fail "no package"; }
tail -1 "$T/build.log"
howtos="laptop vm"
command -v sudo >/dev/null || {
	echo "note: no sudo: a laptop's how-to is not walked here"
	howtos=vm
}
for howto in $howtos; do
	bash "$SRC/scripts/walk.sh" -k -d "$T"/agentsh_*.deb $howto / \
		>"$T/$howto.log" 2>&1
	STATUS=$?
	[ $STATUS != 77 ] || skip "$(tail -1 "$T/$howto.log")"
	[ $STATUS = 0 ] || { tail -60 "$T/$howto.log"; fail "$howto"; }
	grep -c '^\$ ' "$T/$howto.log" | sed "s/^/$howto: commands done: /"
done
