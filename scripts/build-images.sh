#!/bin/bash
# SPDX-License-Identifier: MIT
# build-images.sh [-c] [-i TREE] [-o DIR] ROOT [product|test|render]... - build this
# tree's Dockerfiles for real, look at the images and run them, without a Docker engine
#
# ROOT: debootstrap --variant=minbase bookworm ROOT; it is only read. buildah
# (Debian's package) builds; the images that the Dockerfiles begin with are not
# fetched but made of ROOT under their names: debian:12-slim is ROOT with this
# machine's certificates, node:20-bookworm-slim that with this machine's node and npm.
# packaging/check-image.sh compares each image with its base, and runc starts it as
# tests/lib/oci_bundle.py says: Docker's capabilities and filter of system calls.
# `test` is the stage that runs ./test.sh quick. Nothing is left but, with -o, logs.
#   -i  what the stage `build` leaves is there already (DESTDIR=TREE meson install
#       --strip): the other stages alone
#   -c  lend the builds this machine's compiler cache (ccache is in the bases then)
set -eu
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
src=$(cd "$(dirname "$0")/.." && pwd)
out= cache= built=
while getopts ci:o: o; do
	case $o in
	c) cache=$(ccache -k cache_dir) || exit 2 ;;
	i) built=$(realpath "$OPTARG") ;;
	o) out=$(realpath -m "$OPTARG") ;;
	*) sed -n '3,4s/^# \{0,1\}//p' "$0" && exit 2 ;;
	esac
done
shift $((OPTIND - 1))

skip() {
	echo "SKIP: $*"
	exit 77
}

if [ "${AGENTSH_IN_PRIVATE:-}" = "" ]; then
	root=$(realpath "${1:?usage: build-images.sh ROOT [product|render]...}")
	shift
	[ "$(id -u)" = 0 ] || skip "no root"
	for tool in buildah runc unshare; do
		command -v $tool >/dev/null || skip "no $tool"
	done
	unshare -mpf --mount-proc true 2>/dev/null || skip "no namespaces"
	T=$(mktemp -d "${TMPDIR:-/var/tmp}/agentsh-images.XXXXXX")
	trap 'rm -rf --one-file-system "$T"' EXIT
	AGENTSH_IN_PRIVATE=$T unshare -mpf --mount-proc --kill-child \
		bash "$0" ${cache:+-c} ${built:+-i "$built"} ${out:+-o "$out"} "$root" "$@" &
	all=$! # with it, everything in there ends; it ignores SIGTERM
	trap 'kill -KILL $all; wait $all; rm -rf --one-file-system "$T"; exit 143' TERM INT HUP
	wait $all
	exit
fi
T=$AGENTSH_IN_PRIVATE
unset AGENTSH_IN_PRIVATE
root=$1
shift
[ $# -gt 0 ] || set -- product test render
out=${out:-$T/log}
mkdir -p "$out" "$T/tmp"
export TMPDIR=$T/tmp BUILDAH_ISOLATION=chroot
# as a container of the build sees it: no overlay below an overlay, nothing of
# this machine's own store of images
b() { buildah --root "$T/store" --runroot "$T/run" --storage-driver overlay "$@"; }

step() { printf '\n== %s (%d s)\n' "$*" "$SECONDS"; }

# base NAME SETUP...: an image of that name: ROOT, and what SETUP puts into $R
base() {
	local name=$1 c
	shift
	c=$(b from scratch)
	R=$(b mount "$c")
	tar -C "$root" --one-file-system --exclude=./proc/* --exclude=./sys/* \
		--exclude=./dev/* --exclude=./var/cache/apt/archives/*.deb \
		--exclude=./var/lib/apt/lists/* -cf - . | tar -C "$R" -xpf -
	"$@"
	[ -z "$cache" ] || lend "$c"
	b umount "$c" >/dev/null
	b config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		--env NODE_EXTRA_CA_CERTS=/etc/ssl/host.crt \
		--cmd /bin/bash "$c"
	b commit -q --rm "$c" "docker.io/library/$name" >/dev/null
}
lend() { # CONTAINER, mounted at $R
	mkdir -p "$R/root/.config/ccache" "$R/root/.cache/ccache"
	echo hash_dir=false >"$R/root/.config/ccache/ccache.conf"
	b run --network host "$1" -- sh -c 'apt-get update -qq &&
		apt-get install -y -qq --no-install-recommends ccache >/dev/null 2>&1
		rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/apt/archives/*.deb'
}
# What a network that looks into TLS wants, in the bases alone.
certificates() {
	mkdir -p "$R/etc/ssl"
	cat /etc/ssl/certs/ca-certificates.crt >"$R/etc/ssl/host.crt" 2>/dev/null ||
		true
}
node() {
	certificates
	local program
	program=$(realpath "$(type -P node)")
	install -D "$program" "$R/usr/local/bin/node"
	mkdir -p "$R/usr/local/lib/node_modules"
	cp -r "$(realpath "$(dirname "$program")/../lib/node_modules/npm")" \
		"$R/usr/local/lib/node_modules/"
	ln -s ../lib/node_modules/npm/bin/npm-cli.js "$R/usr/local/bin/npm"
	# libraries that a node of a distribution has besides libc's
	ldd "$program" | grep -o '/[^ )]*' | while read -r lib; do
		[ -e "$R$lib" ] || install -D "$(realpath "$lib")" "$R$lib"
	done
}

# dockerfile FILE: the path of it, or of it with -i's tree for its first stage
dockerfile() {
	[ -n "$built" ] || { echo "$src/$1" && return; }
	awk '/^FROM/ && ++n == 1 { print "FROM docker.io/library/built AS build" }
		n == 0 || n > 1' "$src/$1" >"$T/Dockerfile"
	echo "$T/Dockerfile"
}
stand_in() {
	local c
	c=$(b from scratch)
	mkdir "$(b mount "$c")/out"
	cp -a "$built/." "$(b mount "$c")/out/"
	b commit -q --rm "$c" docker.io/library/built >/dev/null
}

# build IMAGE DOCKERFILE [OPTION...]
build() {
	local image=$1 file=$2
	shift 2
	b bud --pull-never --network host --layers -t "$image" -f "$(dockerfile "$file")" \
		${cache:+-v "$cache:/root/.cache/ccache"} "$@" "$src" \
		>"$out/$image.log" 2>&1 || {
		tail -60 "$out/$image.log"
		echo "build-images: $file does not build" >&2
		exit 1
	}
}

# check IMAGE BASE: fit to ship; leaves its tree in $tree
check() {
	local c d
	c=$(b from --pull-never "$1")
	tree=$(b mount "$c")
	d=$(b from --pull-never "docker.io/library/$2")
	if [ "$1" = product ]; then
		"$src/packaging/check-image.sh" "$tree" "$(b mount "$d")"
	else # with git, python and npm packages: no limit of ours
		"$src/packaging/check-image.sh" "$tree"
	fi
}

# started IMAGE COMMAND: in a container of it, on a layer of its own
started() {
	local image=$1 R=$T/c.$1/root
	mkdir -p "$T/c.$image"/{upper,work,root,bundle}
	mount -t overlay overlay -o \
		"lowerdir=$tree,upperdir=$T/c.$image/upper,workdir=$T/c.$image/work" \
		"$R"
	printf '%s\n' "$2" >"$R/run/inside.sh"
	mkdir -p "$R/workspace"
	chmod 1777 "$R/tmp"
	[ -s "$R/etc/hosts" ] || echo 127.0.0.1 localhost >"$R/etc/hosts"
	python3 "$src/tests/lib/oci_bundle.py" "$R" 0 /bin/bash /run/inside.sh \
		>"$T/c.$image/bundle/config.json"
	date +%s%N >"$R/run/began"
	local status=0
	runc --root "$T/runc" run -b "$T/c.$image/bundle" \
		"agentsh-image-$image-$$" || status=$?
	umount -l "$R"
	return $status
}

PRODUCT='
set -eu
ms() { echo $((($2 - $1) / 1000000)); }
unset AGENTSH_SERVER
entry=$(date +%s%N)
agentsh exec --root=/workspace demo -- /bin/true
first=$(date +%s%N)
echo "container: $(ms "$(cat /run/began)" "$entry") ms until its first line runs"
echo "first governed command: $(ms "$entry" "$first") ms later, the server started for it"
agentsh detect | head -14
cd /workspace
agentsh exec demo -- bash -c "echo hello >note.txt; cat note.txt"
status=0; agentsh exec demo -- cat /etc/shadow || status=$?
[ $status != 0 ] || { echo "/etc/shadow was readable"; exit 1; }
status=0; agentsh exec demo -- sudo id || status=$?
[ $status = 126 ] || { echo "sudo: status $status"; exit 1; }
agentsh exec demo -- rm note.txt
[ ! -e note.txt ]
agentsh undo
grep -qx hello note.txt
agentsh events query --session demo --decision deny | head -3
echo "the image runs: exec, deny, undo"'
RENDER='
set -u
export PATH=/usr/local/sbin:/usr/local/bin:$PATH PORT=10000 # as the image has it
cd /workspace
/bin/bash /app/startup.sh >/run/service.log 2>&1 &
service=$!
for i in $(seq 300); do
	curl -fs -o /dev/null http://127.0.0.1:10000/health && break
	sleep 0.1
done
entry=$(cat /run/began)
echo "healthy $((($(date +%s%N) - entry) / 1000000)) ms after the container was asked for"
bad=0
for what in status allowed blocked commands privilege-escalation filesystem \
	cloud-metadata ssrf dlp devtools network; do
	curl -fs -o /run/$what.json -w "/demo/$what %{http_code} %{time_total} s\n" \
		http://127.0.0.1:10000/demo/$what || bad=1
done
curl -fs -X POST -H "Content-Type: application/json" \
	-d "{\"command\": \"sudo id\"}" http://127.0.0.1:10000/execute || bad=1
echo
[ $bad = 0 ] || tail -20 /run/service.log
kill $service
exit $bad'

step "bases out of $root"
base debian:12-slim certificates
[ -z "$built" ] || stand_in
for image; do
	case $image in
	product)
		step "Dockerfile"
		build product Dockerfile
		check product debian:12-slim
		step "in a container"
		started product "$PRODUCT"
		;;
	test)
		step "Dockerfile, stage test"
		build test Dockerfile --target test
		grep -aE '^[0-9]+ passed' "$out/test.log"
		;;
	render)
		command -v node >/dev/null || skip "no node"
		base node:20-bookworm-slim node
		step "deploy/render/Dockerfile"
		build render deploy/render/Dockerfile
		# the base has no agentsh: what is over it is node's packages too
		check render node:20-bookworm-slim
		step "in a container"
		started render "$RENDER"
		;;
	*) echo "build-images: no image $image" >&2 && exit 2 ;;
	esac
done
step "done"
