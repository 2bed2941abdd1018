# SPDX-License-Identifier: MIT
# A private root with its own bash and sh (a link, as on Debian): never the
# host's.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/case.sh"

SHIM=$AGENTSH_BUILD/cli/agentsh-shell-shim
R=$T/root

make_root() {
	rm -rf "$R"
	mkdir -p "$R/usr/bin" "$R/etc"
	ln -s usr/bin "$R/bin"
	cp "$(readlink -f /bin/bash)" "$R/bin/bash"
	cp "$(readlink -f /bin/sh)" "$R/bin/dash"
	ln -s dash "$R/bin/sh"
	listing >"$T/before"
}
# names, kinds, modes, contents
listing() {
	(cd "$R/bin" && find . -mindepth 1 -printf '%p %y %m %l\n' | sort &&
		find . -type f -exec sha256sum {} + | sort)
}
install_shim() { agentsh shim install-shell --shim "$SHIM" --root "$R" --bash "$@"; }
uninstall_shim() { agentsh shim uninstall-shell --root "$R" --bash "$@"; }
expect_installed() {
	run agentsh shim status --root "$R" --shim "$SHIM" --bash
	[ "$(grep -c 'state=installed .*shim_matches=true' "$T/out")" = 2 ] ||
		fail "not installed"
}
expect_as_before() {
	listing >"$T/after"
	diff "$T/before" "$T/after" || fail "not as it was before"
}
