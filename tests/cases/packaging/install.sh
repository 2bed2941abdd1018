#!/bin/bash
# SPDX-License-Identifier: MIT
# install.sh - `meson install` brings all parts, each usable where it lies: a manual
# page per verb, completions, the unit, the start-up file, configuration and
# policies; `ninja uninstall` takes every one of them away again
. "$(dirname "$0")/../lib/case.sh"

meson=$(type -P meson) || skip "no meson"
root=$T/root
run env DESTDIR="$root" "$meson" install -C "$AGENTSH_BUILD" --no-rebuild --quiet
expect_status 0
prefix=$(find "$root" -path '*/bin/agentsh' | sed 's|/bin/agentsh$||')
[ -x "$prefix/bin/agentsh" ] || fail "no program below $root"
installed="$prefix/bin/agentsh"

for f in bin/agentsh-shell-shim libexec/agentsh/agentsh-tracer \
	libexec/agentsh/agentsh-netproxy lib/agentsh/bash_startup.sh \
	share/agentsh/config.yaml share/agentsh/policies/default.yaml; do
	[ -s "$prefix/$f" ] || fail "not installed: $f"
done
[ -z "$(find "$root" -perm /6000)" ] || fail "setuid: $(find "$root" -perm /6000)"
[ -z "$(find "$root" -type f -perm /022)" ] || fail "others may write it"
run grep -rl "$AGENTSH_BUILD" "$prefix/share" "$prefix/lib"
[ ! -s "$T/out" ] || fail "names the build tree: $(cat "$T/out")"

# every verb has its page, and that leads to the manual of all (lint_manual looks
# into it)
verbs=$("$installed" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
[ "$(wc -w <<<"$verbs")" -ge 20 ] || fail "no verbs in --help: $verbs"
for verb in $verbs; do
	page=$(find "$prefix/share/man" -name "agentsh-$verb.[18]")
	[ -s "$page" ] || fail "no page for $verb"
	! grep -q '^\.so ' "$page" || [ "$(cat "$page")" = '.so man1/agentsh.1' ] ||
		fail "$page: $(cat "$page")"
done
if command -v mandoc >/dev/null; then
	cd "$prefix/share/man" || fail "no manual"
	for page in man*/*; do
		run mandoc -T lint -W error "$page"
		expect_status 0
	done
	cd / || exit
fi

bash -n "$prefix/share/bash-completion/completions/agentsh" || fail "completion"
[ -s "$prefix/share/zsh/site-functions/_agentsh" ] || fail "zsh"
[ -s "$prefix/share/fish/vendor_completions.d/agentsh.fish" ] || fail "fish"
bash -n "$prefix/lib/agentsh/bash_startup.sh" || fail "BASH_ENV file"
for policy in "$prefix"/share/agentsh/policies/*.yaml; do
	run "$installed" policy validate "$policy"
	expect_status 0
done

unit=$prefix/lib/systemd/system/agentsh.service
grep -q "^ExecStart=${prefix#"$root"}/bin/agentsh server" "$unit" ||
	fail "the unit starts something else"
if ! command -v systemd-analyze >/dev/null || ! mkdir -p /run/systemd 2>/dev/null; then
	echo "note: the unit was not verified: no systemd-analyze, or no /run/systemd"
else
	# what it starts lies elsewhere as yet
	sed "s|^ExecStart=|&$root|" "$unit" >"$T/agentsh.service"
	run systemd-analyze verify --man=no "$T/agentsh.service"
	expect_status 0
	[ ! -s "$T/err" ] || fail "$(cat "$T/err")"
	# 9.6 is a unit without any hardening
	run systemd-analyze security --offline=yes --no-pager --threshold=80 \
		"$T/agentsh.service"
	expect_status 0
fi

run env DESTDIR="$root" ninja -C "$AGENTSH_BUILD" uninstall
expect_status 0
left=$(find "$root" ! -type d)
[ -z "$left" ] || fail "left by uninstall: $left"
