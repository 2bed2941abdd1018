# SPDX-License-Identifier: MIT
# disk.sh - workspaces on other file systems (tmpfs, ext4, overlayfs), and full
# ones: what could not be kept is not destroyed, what was is undone there
. "$(dirname "$0")/lib.sh"
MOUNTED=()
unmount() {
	local st=$? m

	for m in "${MOUNTED[@]}"; do umount -l "$m" 2>/dev/null; done
	[ ! -d /disk/small ] || find /disk/small -mindepth 1 -delete
	(exit "$st")
	case_cleanup
}
trap unmount EXIT
mounted() { mount "$@" 2>/dev/null || return 1; MOUNTED=("${!#}" "${MOUNTED[@]}"); }
# where KIND: a container of the tests has a small one
where() { if [ "$1" = small ] && [ -d /disk/small ]; then echo /disk/small; else echo "$T/$1"; fi; }
one() { # on KIND: $WS is a directory on such a file system
	WS=$(where "$1")
	[ "$WS" = "$T/$1" ] || return 0
	mkdir -p "$WS"
	case $1 in
	tmpfs) mounted -t tmpfs -o size=64M none "$WS" ;;
	small) mounted -t tmpfs -o size=6M none "$WS" ;;
	ext4)
		truncate -s 24M "$T/img" && mkfs.ext4 -q -F "$T/img" &&
			mounted -o loop "$T/img" "$WS"
		;;
	inodes) # few of them
		truncate -s 24M "$T/few" && mkfs.ext4 -q -F -N 700 "$T/few" &&
			mounted -o loop "$T/few" "$WS"
		;;
	overlay)
		mkdir -p "$T/ovl" && mounted -t tmpfs none "$T/ovl" &&
			mkdir "$T/ovl/upper" "$T/ovl/work" "$T/ovl/low" &&
			lower "$T/ovl/low" && mounted -t overlay \
			-o "lowerdir=$T/ovl/low,upperdir=$T/ovl/upper,workdir=$T/ovl/work" none "$WS"
		;;
	esac
}
# what an image has below: removed, written and moved over without a copy first
lower() {
	mkdir -p "$1/low/d/e" && seq 1000 >"$1/low/a" && seq 900 >"$1/low/d/b" &&
		seq 800 >"$1/low/d/e/c" && ln -s a "$1/low/l" && chmod 640 "$1/low/a"
	seq 700 >"$1/low/t" && touch -d 2001-02-03 "$1/low/d/b"
}
# all of them before the server starts: it may have mounts of its own
kinds=()
for kind in tmpfs small ext4 inodes overlay; do
	if one "$kind"; then kinds+=("$kind"); else echo "not here: $kind"; fi
done
[ ${#kinds[@]} -gt 0 ] || skip 'no file system can be mounted'
start_server
use() {
	WS=$(where "$1")
	agentsh session destroy s >/dev/null 2>&1
	in_session true
	expect_status 0
	[ -d "$WS/.agentsh_trash" ] || fail "$1: nothing is kept"
}
for kind in "${kinds[@]}"; do
	case $kind in small | inodes) continue ;; esac
	use "$kind"
	mkdir -p "$WS/low"
	[ -f "$WS/low/a" ] || lower "$WS"
	scenario low 'true' \
		'rm -rf d; echo x >>a; echo y >t; rm l; mv a t'
	scenario plain 'mkdir -p d/e; seq 9 >d/e/a; seq 99 >b; ln b c; head -c 400000 /dev/urandom >big; setfattr -n user.x -v 1 b; chmod 600 b' \
		'rm -rf d; echo x >b; : >big; mv b c2; mv c2 c; chmod 644 c'
done

# full: nothing is destroyed that is not kept, and undo works on what is full
for kind in ext4 small; do
	case " ${kinds[*]} " in *" $kind "*) ;; *) continue ;; esac
	use "$kind"
	rm -rf "$WS/low" "$WS/plain"
	mkdir "$WS/d"
	n=40 size=100000
	[ "$kind" = ext4 ] || n=20 size=50000
	for i in $(seq $n); do head -c $size /dev/urandom >"$WS/d/$i"; done
	take before
	full=$(date -u +%FT%T.%NZ)
	in_session bash -c "cd '$WS' && head -c 60000000 /dev/zero >big && exit 9
		rm d/1 d/2 d/3 || exit 10
		for i in 11 12; do echo new >d/\$i && exit 11; done 2>/dev/null
		mv d/13 d/14 || exit 12
		: >d/15 && exit 13
		chmod 600 d/16 && cat d/11 d/12 d/15 | wc -c"
	expect_status 0
	expect_out $((3 * size))
	in_session rm "$WS/big"
	expect_status 0
	run agentsh undo --root "$WS" --since "$full"
	take undone
	NAME=full-$kind
	same before undone "undo on a full disk"
done

# no inode left: files can be removed and replaced, and all of it comes back
case " ${kinds[*]} " in
*' inodes '*)
	use inodes
	for i in $(seq 60); do
		mkdir -p "$WS/d$((i % 6))"
		seq "$i" >"$WS/d$((i % 6))/$i"
	done
	take before
	in_session bash -c "cd '$WS'; for i in \$(seq 1000); do : >n\$i || break; done 2>/dev/null
		: >more && exit 9
		rm -rf d1 d2 || exit 10
		mv d3/3 d4/4 && echo x >d5/5 && : >d0/6 || exit 11"
	expect_status 0
	run agentsh undo --root "$WS"
	expect_status 0
	take undone
	NAME=inodes
	same before undone 'undo without inodes'
	;;
esac
finish
