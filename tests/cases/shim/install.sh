#!/bin/bash
# SPDX-License-Identifier: MIT
# install-shell, uninstall-shell, status on a private root: refusals, dry run,
# twice, an update of the shim or of the shell, shim.conf, and back to what was
. "$(dirname "$0")/lib.sh"

make_root
run agentsh shim install-shell --root "$R"
expect_status 1
expect_err '--shim is required'
run install_shim --bash-only
expect_status 1
expect_err '--bash and --bash-only are mutually exclusive'
for root in / //. /proc/self/root; do
	run agentsh shim install-shell --shim "$SHIM" --root $root
	expect_status 1
	expect_err "refusing to modify host rootfs (\"$root\")"
done
run agentsh shim uninstall-shell
expect_err 'refusing to modify host rootfs ("/")'
run agentsh shim install-shell --shim "$SHIM" --dry-run --bash-only
expect_status 0
expect_out 'rename /bin/'

run install_shim --dry-run
expect_status 0
expect_out "rename $R/bin/bash -> $R/bin/bash.real"
expect_out "write $R/bin/sh (write shim bytes)"
run install_shim --dry-run --output json
jq -e --arg r "$R" '.root == $r and .actions[-1] ==
	{op: "write", path: ($r + "/bin/bash"), note: "write shim bytes"}' \
	"$T/out" >/dev/null || fail "actions"
expect_as_before

run install_shim
expect_status 0
[ ! -s "$T/out" ] && [ ! -s "$T/err" ] || fail "not silent"
expect_installed
[ ! -e "$R/etc/agentsh" ] || fail "shim.conf without need"
cmp -s "$R/bin/sh.real" "$R/bin/dash" || fail "sh.real"
listing >"$T/first"
run install_shim
listing | diff "$T/first" - || fail "installing twice is not once"
run install_shim --dry-run
[ ! -s "$T/out" ] || fail "something left to do"

# a newer shim replaces the older, the real shells stay
{ cat "$SHIM"; echo newer; } >"$T/shim2"
run agentsh shim install-shell --shim "$T/shim2" --root "$R" --bash
cmp -s "$R/bin/bash" "$T/shim2" || fail "not updated"
expect_status 0
listing | grep -q "bash.real" || fail "bash.real"
run agentsh shim status --root "$R" --shim "$SHIM"
expect_out 'sh: state=installed'
expect_out 'shim_matches=false'

# a package put a new shell over the shim: that one becomes the real shell
{ cat "$(readlink -f /bin/bash)"; echo update; } >"$R/bin/bash.new"
chmod 755 "$R/bin/bash.new"
mv "$R/bin/bash.new" "$R/bin/bash"
run agentsh shim status --root "$R" --shim "$SHIM" --bash --output json
jq -e '.bash.state == "not_installed" and .bash.real_exists' "$T/out" \
	>/dev/null || fail "status after an update of bash"
run install_shim
expect_installed
tail -1 "$R/bin/bash.real" | grep -qx update || fail "kept the old bash"

# shim.conf: other keys are kept
run install_shim --force
printf 'x-other=1\n' >>"$R/etc/agentsh/shim.conf"
run install_shim
grep -qx force=false "$R/etc/agentsh/shim.conf" || fail "force stayed"
grep -qx x-other=1 "$R/etc/agentsh/shim.conf" || fail "unknown key lost"
head -1 "$R/etc/agentsh/shim.conf" |
	grep -qx '# Written by: agentsh shim install-shell' || fail "first line"
[ "$(stat -c %a "$R/etc/agentsh/shim.conf")" = 644 ] || fail "mode"
printf 'force=perhaps\n' >"$R/etc/agentsh/shim.conf"
listing >"$T/first"
run install_shim --force
expect_status 1
expect_err 'force="perhaps" is not one of'
listing | diff "$T/first" - || fail "shells touched before shim.conf was read"
rm -r "$R/etc/agentsh"

# back
make_root
install_shim || fail install
run uninstall_shim --dry-run
expect_out "rename $R/bin/bash.real -> $R/bin/bash"
run uninstall_shim
expect_status 0
expect_as_before
run uninstall_shim
expect_status 0
expect_as_before
run agentsh shim status --root "$R" --bash
expect_out 'bash: state=not_installed'

# only bash; no sh at all; a link out of the root is not followed out
make_root
rm "$R/bin/sh"
run install_shim
expect_status 0
run agentsh shim status --root "$R"
expect_out 'sh: state=missing'
make_root
agentsh shim install-shell --shim "$SHIM" --root "$R" --bash-only || fail only
[ -L "$R/bin/sh" ] || fail "--bash-only touched sh"
rm "$R/bin"
ln -s /bin "$R/bin"
run install_shim
[ ! -e /bin/bash.real ] || fail "went out of the root"
# sh that leads to bash gets the shell, not the shim
make_root
ln -sf bash "$R/bin/sh"
listing >"$T/before"
agentsh shim install-shell --shim "$SHIM" --root "$R" --bash-only || fail only
install_shim || fail "sh after bash"
run "$R/bin/sh" -c 'echo shell'
expect_out shell
run uninstall_shim
expect_as_before
