#!/bin/bash
# SPDX-License-Identifier: MIT
# kernels-fetch.sh [-a ARCH] DIR [SECONDS] - kernels for tests/escape/kernels.sh: of
# each series below the newest package that apt finds, unpacked into DIR/SERIES.
# What this machine's own lists lack is looked for in other releases of Debian, on
# the mirror that apt knows, with lists of its own (DIR/apt); nothing of this
# machine's is changed. 6.12-16k is a series with pages of that size (arm64).
# SECONDS: time budget. ARCH: of the kernels; apt has to know it (dpkg
# --add-architecture).
#
# AGENTSH_KERNEL_SERIES: other series than these
# AGENTSH_UBUNTU: a mirror of Ubuntu's (http://HOST/ubuntu): 5.15, which Debian
#	never had in a release
set -u
arch=$(dpkg --print-architecture) || exit 77
if [ "${1:-}" = -a ]; then
	arch=$2
	shift 2
fi
dir=${1:?usage: kernels-fetch.sh [-a ARCH] DIR [SECONDS]}
budget=${2:-300}
series=${AGENTSH_KERNEL_SERIES:-5.10 5.15 6.1 6.12 7}
releases="bullseye bookworm trixie trixie-backports"

mkdir -p "$dir/debs" && cd "$dir" || exit 1
dir=$PWD

# lists NAME: apt with lists of its own, of the sources on standard input
lists() {
	local apt=$dir/apt/$1
	[ "$SECONDS" -lt "$budget" ] || return 1
	mkdir -p "$apt"/lists/partial "$apt"/cache/archives/partial
	cat >"$apt/sources.list"
	cat >"$apt/conf" <<-X
	Dir::Etc::SourceList "$apt/sources.list";
	Dir::Etc::SourceParts "-";
	Dir::State::Lists "$apt/lists";
	Dir::Cache "$apt/cache";
	APT::Sandbox::User "root";
	Acquire::Languages "none";
	X
	APT_CONFIG=$apt/conf timeout $((budget - SECONDS)) \
		apt-get update -qq >/dev/null 2>&1
}

# Debian's other releases: http://HOST/debian
elsewhere() {
	local site release
	site=${AGENTSH_MIRROR:-$(apt-get indextargets --format '$(SITE)' |
		grep '/debian/*$' | head -n 1)}
	[ -n "$site" ] || return 1
	[ "${site%/debian*}" != "$site" ] || site=$site/debian
	for release in $releases; do
		echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" \
			"$site $release main"
	done | lists debian
}

# Ubuntu's; its keys are in a package of Debian's
ubuntu() {
	local keys=$dir/apt/keys
	[ -n "${AGENTSH_UBUNTU:-}" ] && [ -d "$dir/apt/debian" ] || return 1
	mkdir -p "$keys"
	(cd "$keys" && APT_CONFIG=$dir/apt/debian/conf \
		apt-get download -qq ubuntu-keyring >/dev/null 2>&1 &&
		dpkg-deb -x ubuntu-keyring_*.deb .) || return 1
	for release in jammy jammy-updates; do
		echo "deb [signed-by=$keys/usr/share/keyrings/ubuntu-archive-keyring.gpg]" \
			"$AGENTSH_UBUNTU $release main"
	done | lists ubuntu
}

# name_of SERIES: the newest package; "cloud" is the small flavour, elsewhere the
# general one has to do. Where there is a linux-binary, linux-image is empty.
name_of() {
	local v=${1%%-*} # and what follows the architecture: ${1#"$v"}
	apt-cache search --names-only \
		"^linux-(image|binary)-${v//./\\.}[.][0-9].*-((cloud-)?$arch${1#"$v"}|generic)\$" |
		awk '{ print $1 }' | grep -vE -- '-(dbg|unsigned|rt-)' |
		awk -v a="cloud-$arch" '{
			v = $0
			sub(/^linux-[a-z]*-/, "", v)
			print (index($0, a) ? 1 : 0), v, ($0 ~ /^linux-binary/), $0
		}' |
		sort -k1,1n -k2,2V -k3,3n | awk '{ print $4 }' | tail -1
}

# unpack SERIES NAME: with the packages that its modules are in
unpack() {
	local want=$2 p
	[ "$SECONDS" -lt "$budget" ] || {
		echo "kernel $1: out of time"
		return 1
	}
	case $2 in
	*-generic) want="$want ${2/image/modules}" ;;
	*) want=$want:$arch ;;
	esac
	# From 7.x the kernel and its modules are packages of their own.
	case $2 in
	linux-binary-*)
		! apt-cache show "${2/binary/modules}:$arch" >/dev/null 2>&1 ||
			want="$want ${2/binary/modules}:$arch"
		;;
	esac
	# shellcheck disable=SC2086
	(cd debs && timeout $((budget - SECONDS)) \
		apt-get download -q $want) >/dev/null 2>&1 || {
		echo "kernel $1: $want cannot be downloaded"
		return 1
	}
	rm -rf "$1.new"
	mkdir "$1.new"
	for p in $want; do
		dpkg-deb -x "$(ls -t debs/"${p%:*}"_*.deb | head -1)" "$1.new"
	done
	mv "$1.new" "$1"
	rm -f debs/*.deb
}

got=0
missing=
# take SERIES...: what this apt has of them; the others are in $missing
take() {
	local s name
	missing=
	for s; do
		name=$(name_of "$s")
		if [ -z "$name" ]; then
			missing="$missing $s"
			continue
		fi
		[ -d "$s" ] || unpack "$s" "$name" || continue
		echo "kernel $s: $name"
		got=$((got + 1))
	done
}

# shellcheck disable=SC2086
{
	take $series
	if [ -n "$missing" ] && elsewhere; then
		export APT_CONFIG=$dir/apt/debian/conf
		take $missing
		if [ -n "$missing" ] && ubuntu; then
			export APT_CONFIG=$dir/apt/ubuntu/conf
			take $missing
		fi
	fi
}
for s in $missing; do
	echo "kernel $s: no package known"
done
[ "$got" -gt 0 ] || exit 77
