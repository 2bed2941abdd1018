#!/bin/bash
# SPDX-License-Identifier: MIT
# kernels-fetch.sh [-a ARCH] DIR [SECONDS] - kernels of this machine's Debian release
# for tests/escape/kernels.sh: the newest package of each series below, taken with
# apt-get download from whatever mirror apt knows, unpacked into DIR/SERIES. A
# series that the release lacks is named and left out; 6.12-16k is a series with
# pages of that size (arm64). SECONDS: time budget. ARCH: of the kernels; apt has to
# know it (dpkg --add-architecture).
set -u
arch=$(dpkg --print-architecture) || exit 77
if [ "${1:-}" = -a ]; then
	arch=$2
	shift 2
fi
dir=${1:?usage: kernels-fetch.sh [-a ARCH] DIR [SECONDS]}
budget=${2:-300}
series=${AGENTSH_KERNEL_SERIES:-5.10 5.15 6.1 6.12 7}

mkdir -p "$dir/debs" && cd "$dir" || exit 1
got=0
for s in $series; do
	v=${s%%-*} # and what follows the architecture: ${s#"$v"}
	# "cloud" is the small flavour; elsewhere the general one has to do
	name=$(apt-cache search --names-only \
		"^linux-(image|binary)-${v//./\\.}[.][0-9].*-(cloud-)?$arch${s#"$v"}\$" |
		awk '{ print $1 }' | grep -vE -- '-(dbg|unsigned|rt-)' |
		awk -v a="cloud-$arch" '{ print (index($1, a) ? 1 : 0), $1 }' |
		sort -k1,1n -k2,2V | awk '{ print $2 }' | tail -1)
	if [ -z "$name" ]; then
		echo "kernel $s: not in this release"
		continue
	fi
	if [ ! -d "$s" ]; then
		[ "$SECONDS" -lt "$budget" ] || {
			echo "kernel $s: out of time"
			continue
		}
		want=$name:$arch
		# From 7.x the kernel and its modules are packages of their own.
		case $name in
		linux-binary-*) want="$want ${name/binary/modules}:$arch" ;;
		esac
		# shellcheck disable=SC2086
		(cd debs && timeout $((budget - SECONDS)) \
			apt-get download -q $want) >/dev/null 2>&1 || {
			echo "kernel $s: $want cannot be downloaded"
			continue
		}
		rm -rf "$s.new"
		mkdir "$s.new"
		for p in $want; do
			dpkg-deb -x "$(ls -t debs/"${p%:*}"_*.deb | head -1)" "$s.new"
		done
		mv "$s.new" "$s"
	fi
	rm -f debs/*.deb
	echo "kernel $s: $name"
	got=$((got + 1))
done
[ "$got" -gt 0 ] || exit 77
