# SPDX-License-Identifier: MIT
# other_netproxy.sh - sourced, after case.sh

# other_netproxy NAME: another build of the proxy in the place of the usual one,
# for whoever has a mount namespace of his own. Elsewhere AGENTSH_BUILD becomes a
# tree like the build tree, in $T: programs find each other by their own places.
other_netproxy() {
	local dir tree=$T/build

	if mount --make-rprivate / 2>/dev/null; then
		mount --bind "$AGENTSH_BUILD/netproxy/$1" \
			"$AGENTSH_BUILD/netproxy/agentsh-netproxy" && return
	fi
	mkdir "$tree" || fail "no $tree"
	ln -s "$AGENTSH_BUILD"/* "$tree/"
	for dir in cli tracer netproxy vfs; do
		rm "$tree/$dir" && mkdir "$tree/$dir" &&
			find "$AGENTSH_BUILD/$dir" -maxdepth 1 -type f -perm -100 \
				-exec cp -t "$tree/$dir" {} + || fail "no $tree/$dir"
	done
	mv "$tree/netproxy/$1" "$tree/netproxy/agentsh-netproxy"
	export AGENTSH_BUILD=$tree
}
