# SPDX-License-Identifier: MIT
# overlay-root.sh - sourced by fresh-root.sh, walk.sh, check-deb.sh and the like: a
# root file system to work in, over a directory tree that is only read
#
# overlay_root DIR ROOT: for a mount namespace of one's own; makes $R, an overlay
# over ROOT with /proc, /sys (without cgroups), /dev, /run and /tmp as a booted
# system has them. All that is written goes to memory, mounted at DIR, and ends
# with `umount -l DIR`. Fails where the kernel refuses a mount.
overlay_root() {
	local dir node
	mount -t tmpfs -o mode=755,size=90% tmpfs "$1" || return
	mkdir "$1"/{upper,work,root}
	R=$1/root
	mount -t overlay overlay \
		-o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" "$R" || return
	mount -t proc proc "$R/proc" || return
	mount -t sysfs -o ro sysfs "$R/sys" || return
	for dir in dev run tmp; do
		mount -t tmpfs -o mode=755 tmpfs "$R/$dir" || return
	done
	for node in null zero full random urandom tty fuse; do
		[ ! -e "/dev/$node" ] || cp -a "/dev/$node" "$R/dev/"
	done
	mkdir "$R/dev/pts" "$R/dev/shm"
	mount -t devpts -o newinstance,ptmxmode=0666 devpts "$R/dev/pts" || return
	ln -s pts/ptmx "$R/dev/ptmx"
	ln -s /proc/self/fd "$R/dev/fd"
	chmod 1777 "$R/tmp" "$R/dev/shm"
	cp -L /etc/resolv.conf "$R/etc/resolv.conf" 2>/dev/null || true
	echo "127.0.0.1 localhost $(uname -n)" >"$R/etc/hosts"
}

# lend_cache: this machine's compiler cache to root in $R, where apt works
lend_cache() {
	chroot "$R" sh -c 'apt-get update -qq && apt-get install -y -qq \
		--no-install-recommends ccache' >/dev/null 2>&1
	mkdir -p "$R/root/.cache/ccache" "$R/root/.config/ccache"
	mount --bind "$(ccache -k cache_dir)" "$R/root/.cache/ccache"
	echo hash_dir=false >"$R/root/.config/ccache/ccache.conf"
}

# lend_certificates: what a network that looks into TLS wants, to npm in $R
lend_certificates() {
	[ -s /etc/ssl/certs/ca-certificates.crt ] || return 0
	mkdir -p "$R/etc/ssl"
	cp /etc/ssl/certs/ca-certificates.crt "$R/etc/ssl/host.crt"
	echo cafile=/etc/ssl/host.crt >>"$R/root/.npmrc"
}
