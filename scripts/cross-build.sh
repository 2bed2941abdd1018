#!/bin/bash
# SPDX-License-Identifier: MIT
# cross-build.sh DIR BUILD [COMMAND] - build this tree for arm64, on Debian, and
# what it takes to run it there:
#
#   DIR/build    a root of this machine's architecture with the cross compiler
#   DIR/guest    programs of arm64 for the guests of tests/escape/kernels.sh
#   DIR/kernels  kernels of arm64, by series, and one with pages of 16 KiB
#
# What is in DIR is used as it is; BUILD is below this tree. COMMAND runs in the
# tree within DIR/build instead of ninja, e.g. 'meson test -C BUILD --suite unit'
# (by qemu-user: without what filters system calls or traces). Needs root,
# debootstrap and 2 GB; nothing of this machine is changed.
set -eu
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
src=$(cd "$(dirname "$0")/.." && pwd)
usage="usage: cross-build.sh DIR BUILD [COMMAND]"
dir=$(realpath -m "${1:?$usage}")
build=$(realpath -m "${2:?$usage}")
command=${3:-ninja -C $build}
release=bookworm
# apt's own: http://HOST, in front of /debian and /debian-security
mirror=${AGENTSH_MIRROR:-$(apt-get indextargets --format '$(SITE)' |
	sed -n 's|/debian/*$||p' | head -n 1)}
[ -n "$mirror" ] || {
	echo "cross-build.sh: apt knows no mirror: set AGENTSH_MIRROR" >&2
	exit 1
}
[ "${build#"$src"/}" != "$build" ] || {
	echo "cross-build.sh: $build is not below $src" >&2
	exit 1
}
command -v debootstrap >/dev/null || {
	echo "cross-build.sh: no debootstrap: apt-get install debootstrap" >&2
	exit 1
}
# mounts of our own
[ "${AGENTSH_CROSS:-}" = inside ] ||
	AGENTSH_CROSS=inside exec unshare -m "$0" "$@"

# within COMMAND: in DIR/build, where this tree has its own name
within() {
	local root=$dir/build node
	mountpoint -q "$root/proc" || {
		mount -t proc proc "$root/proc"
		mount -t tmpfs tmpfs "$root/tmp"
		mount -t tmpfs tmpfs "$root/dev"
		for node in null zero full random urandom tty; do
			cp -a /dev/$node "$root/dev/"
		done
		ln -s /proc/self/fd "$root/dev/fd"
		mkdir -p "$root$src" "$root$dir" "$root/dev/shm"
		mount --bind "$src" "$root$src"
		mount --bind "$dir" "$root$dir"
	}
	chroot "$root" env -i HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
		PATH=/usr/lib/ccache:/usr/sbin:/usr/bin:/sbin:/bin \
		sh -c "cd '$src' && $1"
}

libraries="libfuse3 libseccomp libcap libc-ares libsqlite3 libyaml libssl nettle
zlib1g libbrotli libzstd libcmocka libacl1 libattr1"
tools="ca-certificates ccache gcc libc6-dev meson ninja-build pkg-config python3
python3-yaml qemu-user"
make_build() {
	local l dev=
	debootstrap --variant=minbase "--include=${tools//[$'\n ']/,}" \
		$release "$dir/build.new" "$mirror/debian"
	for l in $libraries; do
		dev="$dev $l-dev:arm64"
	done
	printf 'deb %s %s main\n' "$mirror/debian" $release "$mirror/debian" \
		$release-updates "$mirror/debian-security" $release-security \
		>"$dir/build.new/etc/apt/sources.list"
	mv "$dir/build.new" "$dir/build"
	within "dpkg --add-architecture arm64 && apt-get update -qq &&
		apt-get install -y -qq --no-install-recommends \
		gcc-aarch64-linux-gnu libc6-dev:arm64 $dev && apt-get clean" ||
		{ rm -rf --one-file-system "$dir/build" && return 1; }
}

programs="acl,attr,bash,bsdextrautils,bsdutils,busybox-static,ca-certificates,curl,
expect,file,gcc,git,iproute2,jq,libc6-dev,libcmocka0,make,mawk,netcat-openbsd,openssl,patch,
procps,python3,rsync,sqlite3,strace,sudo,util-linux,xz-utils"
# Unpacked only: no program of arm64 runs here.
make_guest() {
	local root=$dir/guest.new deb
	debootstrap --download-only --arch=arm64 --variant=minbase \
		"--include=${programs//$'\n'/}" $release "$dir/debs" "$mirror/debian"
	mkdir -p "$root"/usr/{bin,sbin,lib}
	ln -s usr/bin usr/sbin usr/lib "$root"
	for deb in "$dir"/debs/var/cache/apt/archives/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" |
			tar xf - --keep-directory-symlink -C "$root"
	done
	# what update-alternatives would make
	ln -s mawk "$root/usr/bin/awk"
	ln -s nc.openbsd "$root/usr/bin/nc"
	ln -s which.debianutils "$root/usr/bin/which"
	rm -rf "$dir/debs"
	mv "$root" "$dir/guest"
}

[ -d "$dir/build" ] || make_build
[ -d "$dir/guest" ] || make_guest
[ -d "$dir/kernels" ] || within \
	"AGENTSH_KERNEL_SERIES='6.1 6.12 6.12-16k' \
	scripts/kernels-fetch.sh -a arm64 '$dir/kernels'"
[ -f "$build/build.ninja" ] || within \
	"meson setup '$build' --cross-file scripts/cross/aarch64.ini -Dwerror=true"
within "$command"
