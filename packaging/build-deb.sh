#!/bin/bash
# SPDX-License-Identifier: MIT
# build-deb.sh [OUTPUT-DIR] - a Debian package of this tree, without debhelper
#
# Builds in build-deb/ (or $AGENTSH_DEB_BUILD, as $AGENTSH_DEB_BUILDTYPE instead of
# release), installs below it, and packs; ends with what is in the package and its
# size, and fails when that is over the limit.
set -eu
cd "$(dirname "$0")/.."
out=$(realpath -m "${1:-.}")
max_kib=$((12 * 1024)) # of the package
build=${AGENTSH_DEB_BUILD:-build-deb}

arch=$(dpkg --print-architecture)
if [ ! -f "$build/build.ninja" ]; then
	meson setup "$build" -Dbuildtype="${AGENTSH_DEB_BUILDTYPE:-release}" -Dtests=false --prefix=/usr \
		--libexecdir=libexec --sysconfdir=/etc >/dev/null
fi
ninja -C "$build" >"$build/ninja.log" 2>&1 || { tail -30 "$build/ninja.log"; exit 1; }
version=$("$build/cli/agentsh" --version | cut -d' ' -f2)
root=$(realpath -m "$build/root")
rm -rf --one-file-system "$root"
DESTDIR=$root meson install -C "$build" --no-rebuild --quiet --strip

# Local changes live in /etc; what came with the package stays beside it as
# /usr/share/agentsh.
install -d "$root/etc/agentsh/policies" "$root/usr/share/doc/agentsh" \
	"$root/DEBIAN"
sed 's|^  # env_inject:|  env_inject:|; s|^  #   BASH_ENV:|    BASH_ENV:|' \
	data/config.yaml >"$root/etc/agentsh/config.yaml"
cp data/policies/*.yaml "$root/etc/agentsh/policies/"
cp NEWS.md "$root/usr/share/doc/agentsh/"
cp LICENSE "$root/usr/share/doc/agentsh/copyright"
gzip -9n "$root"/usr/share/man/man?/*

depends=libc6
needed() { # libraries of programs that could not be linked statically
	find "$root/usr/bin" "$root/usr/libexec" -type f -exec \
		sh -c 'readelf -d "$1" 2>/dev/null | grep -q NEEDED' sh {} \; -print
}
dynamic=$(needed)
if [ -n "$dynamic" ]; then
	# shellcheck disable=SC2086
	depends=$(ldd $dynamic | awk '$3 ~ "^/" { print $3 }' | sort -u |
		while read -r lib; do
			dpkg -S "$(realpath "$lib")" 2>/dev/null |
				head -1 | cut -d: -f1
		done | sort -u | paste -sd, | sed 's/,/, /g')
fi
(cd "$root" && find etc -type f | sed 's|^|/|' | sort) >"$root/DEBIAN/conffiles"
cat >"$root/DEBIAN/control" <<CONTROL
Package: agentsh
Version: $version
Architecture: $arch
Maintainer: agentsh developers <agentsh@localhost>
Section: admin
Priority: optional
Depends: ${dynamic:+$depends, }bash
Recommends: fuse3, ca-certificates
Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f1)
Description: sandbox for AI agents' commands, with an undo
 Runs commands under one policy: every operation on commands, files, network
 and processes is judged, recorded and bounded, and what is destroyed can be
 brought back.
CONTROL
cat >"$root/DEBIAN/prerm" <<'PRERM'
#!/bin/sh
set -e
# A shell that stays behind without agentsh would be no shell.
if [ "$1" = remove ]; then
	agentsh shim uninstall-shell --bash --i-understand-this-modifies-the-host
	if [ -d /run/systemd/system ]; then
		systemctl disable --now agentsh.service || true
	fi
fi
PRERM
cat >"$root/DEBIAN/postinst" <<'POSTINST'
#!/bin/sh
set -e
install -d -m 0700 /var/lib/agentsh
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	[ -z "$2" ] || systemctl try-restart agentsh.service
fi
# An upgrade brings the shim along where it is in use.
if [ -n "$2" ] && agentsh shim status --bash | grep -q state=installed; then
	set -- --shim /usr/bin/agentsh-shell-shim
	! grep -qs '^force=true' /etc/agentsh/shim.conf || set -- "$@" --force
	agentsh shim status --bash | grep -q '^sh: state=installed' &&
		agentsh shim install-shell "$@" \
			--i-understand-this-modifies-the-host
	agentsh shim status --bash | grep -q '^bash: state=installed' &&
		agentsh shim install-shell "$@" --bash-only \
			--i-understand-this-modifies-the-host
fi
exit 0
POSTINST
cat >"$root/DEBIAN/postrm" <<'POSTRM'
#!/bin/sh
set -e
# The record and what can be undone go only when the package is purged;
# workspaces' own trash (.agentsh_trash) is theirs and stays.
if [ "$1" = purge ]; then
	rm -rf /var/lib/agentsh /run/agentsh /etc/agentsh/shim.conf
	rmdir --ignore-fail-on-non-empty /etc/agentsh/policies /etc/agentsh \
		2>/dev/null || true
fi
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload || true
fi
POSTRM
chmod 755 "$root"/DEBIAN/p*
mkdir -p "$out"
deb=$out/agentsh_${version}_$arch.deb
dpkg-deb --build --root-owner-group -Zxz "$root" "$deb" >/dev/null
kib=$(($(stat -c %s "$deb") / 1024))
dpkg-deb --contents "$deb" | awk '{ print $3, $6 }'
echo "$deb: $kib KiB (limit $max_kib), $(du -sk --exclude=DEBIAN "$root" |
	cut -f1) KiB installed"
[ $kib -le $max_kib ]
