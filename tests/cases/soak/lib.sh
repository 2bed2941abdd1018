# SPDX-License-Identifier: MIT
# lib.sh - what a server holds, before and after; sourced after case.sh
#
# SOAK=full makes the counts those of the project's targets (minutes instead of
# seconds).

# count SMALL FULL
count() { if [ "${SOAK:-}" = full ]; then echo "$2"; else echo "$1"; fi; }

# the server and all that descend from it
processes() {
	local p
	echo "$1"
	for p in $(pgrep -P "$1"); do processes "$p"; done
}

rss() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status" 2>/dev/null || echo 0; }
fds() { find "/proc/$1/fd" -mindepth 1 2>/dev/null | wc -l; }
zombies() { ps -o stat= --ppid "$1" | grep -c '^Z'; }

# directories below every cgroup hierarchy that our processes made
cgroups() {
	local pattern= p
	for p in $(processes "$SERVER_PID"); do pattern+=" -o -name *@$p.*"; done
	# shellcheck disable=SC2086
	find /sys/fs/cgroup -type d \( -name none $pattern \) 2>/dev/null | wc -l
}

# holds: one line per process: name rss fds; then cgroups and temporary files
holds() {
	local p
	for p in $(processes "$SERVER_PID"); do
		[ -d "/proc/$p" ] && echo "$(cat "/proc/$p/comm") $(rss "$p") $(fds "$p") $(zombies "$p")"
	done
	echo "cgroups $(cgroups)"
	echo "files $(find "$T" /tmp -maxdepth 1 -user "$(id -un)" -name 'agentsh*' 2>/dev/null | wc -l)"
}

# total COLUMN: over the processes of a saved holds
total() { awk -v c="$1" 'NF == 4 { n += $c } END { print n + 0 }' "$2"; }
