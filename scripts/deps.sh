#!/bin/sh
# SPDX-License-Identifier: MIT
# deps.sh [build|test] - install with apt what building (and testing) needs.
# Package names are the same on Debian 12/13 and Ubuntu 22.04/24.04; an optional
# one that a release lacks is named and left out, and the tests that want it
# then skip by name.
set -eu
what=${1:-build}

build="gcc libc6-dev meson ninja-build pkg-config libfuse3-dev fuse3
libseccomp-dev libcap-dev libc-ares-dev libsqlite3-dev libyaml-dev libssl-dev nettle-dev
zlib1g-dev libbrotli-dev libzstd-dev
ca-certificates git"
test="clang clang-format clang-tidy libcmocka-dev universal-ctags python3
python3-yaml sqlite3 curl jq acl attr libacl1-dev libattr1-dev mandoc
strace expect iproute2 procps xz-utils netcat-openbsd codespell binutils
make openssl patch"
optional="libclang-rt-14-dev libclang-rt-dev bubblewrap runc chromium
gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
# the web service's tests; another source's node may be there already
command -v npm >/dev/null || optional="$optional nodejs npm"

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

want=$build
if [ "$what" = test ]; then want="$build $test"; fi

missing=""
for p in $want; do
	dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' ||
		missing="$missing $p"
done
if [ -n "$missing" ]; then
	command -v apt-get >/dev/null || {
		echo "deps.sh: no apt-get here; install by hand:$missing" >&2
		exit 1
	}
	echo "deps.sh: installing:$missing"
	as_root apt-get update -qq
	# shellcheck disable=SC2086
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
		--no-install-recommends $missing >/dev/null
fi
if [ "$what" = test ]; then
	for p in $optional; do
		dpkg-query -W -f '${Status}' "$p" 2>/dev/null |
			grep -q 'ok installed' && continue
		as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y \
			-qq --no-install-recommends "$p" >/dev/null 2>&1 ||
			echo "deps.sh: optional package $p is not available"
	done
fi
