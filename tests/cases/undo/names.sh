# SPDX-License-Identifier: MIT
# names.sh - names, links, kinds of files, attributes
. "$(dirname "$0")/lib.sh"
begin
OUTSIDE=$T/outside
mkdir "$OUTSIDE"
export OUTSIDE

long=$(printf 'n%.0s' $(seq 255))
scenario odd-names "seq 9 >'$long'; seq 8 >\$'new\\nline'; seq 7 >\$'\\xff\\xfe'
	seq 6 >' space'; seq 5 >'-dash'; seq 4 >'~1^2'; mkdir '$long.d' 2>/dev/null; mkdir d\\\\; seq 3 >d\\\\/x" \
	"rm -rf -- * ' space'"
scenario hardlinks 'seq 9 >a; ln a b; ln a c; mkdir d; ln a d/e' \
	'rm a; echo x >b; mv c d/e2; mv -f d/e2 c; rm d/e'
scenario siblings 'seq 1000 >a; ln a b' 'echo new >>a; rm b'
scenario symlinks 'echo o >$OUTSIDE/f; ln -s $OUTSIDE/f l; ln -s nowhere m; ln -s l k; mkdir d
	ln -s ../d d/self' 'rm l; ln -sfn d m; mv k d/; rm -r d/self'
scenario nodes 'mkfifo p; mknod c c 1 3 2>/dev/null; seq 9 >f
	python3 -c "import socket; socket.socket(socket.AF_UNIX).bind(\"s\")"' 'rm -f p c s; mkfifo q; rm f'
scenario sparse 'truncate -s 50M a; printf x | dd of=a bs=1 seek=20000000 conv=notrunc 2>/dev/null
	cp --sparse=always a b; cp --sparse=always a c' \
	'rm a; echo >>b; dd if=/dev/zero of=c bs=1k count=1 seek=10000 conv=notrunc'
scenario chmod 'seq 9 >a; seq 9 >b; chmod 604 a; mkdir d; chmod 711 d' \
	'chmod 600 a; chmod -R 700 d; chmod +x b; python3 -c "import os; os.fchmod(os.open(\"b\", os.O_RDONLY), 0o640)"'
scenario utimes 'seq 9 >a; touch -d "2001-02-03 04:05:06.789012345" a; ln -s a l; touch -h -d 2003-04-05 l; mkdir d; touch -d 1999-01-01 d' \
	'touch a; touch -h l; touch -d 2020-01-01 d'
scenario xattr 'seq 9 >a; setfattr -n user.one -v 1 a; setfattr -n user.two -v 2 a; mkdir d; setfattr -n user.d -v 3 d' \
	'setfattr -n user.one -v 9 a; setfattr -x user.two a; setfattr -n user.new -v 1 d
	python3 -c "import os; f = os.open(\"a\", os.O_RDWR); os.setxattr(f, b\"user.fd\", b\"5\")"'
scenario acl 'seq 9 >a; setfacl -m u:1234:rw a; mkdir d; setfacl -d -m g:77:rx d; seq 9 >b; setfacl -m u:5:r b' \
	'setfacl -b a; setfacl -k d; rm b'
[ "$(id -u)" != 0 ] || # nobody else may give files away
	scenario chown 'seq 9 >a; mkdir d; chown 12:34 d' 'chown 65534 a; chown :0 d; rm -r d'
scenario exchange 'seq 9 >a; seq 8 >b; mkdir d; seq 7 >d/x' 'python3 - <<E
import ctypes
c = ctypes.CDLL(None, use_errno=True)
print(c.renameat2(-100, b"a", -100, b"b", 2), c.renameat2(-100, b"b", -100, b"d", 2))
print(c.renameat2(-100, b"a", -100, b"b", 1))
E'
scenario rename-dir 'mkdir -p a/x b; seq 9 >a/x/f; mkdir c; seq 8 >c/g' 'mv -T a b; mv c b/; mv b z'
scenario move-out 'seq 9 >a; mkdir d; seq 8 >d/f' "mv a $OUTSIDE/; mv d $OUTSIDE/"
scenario move-in 'seq 9 >$OUTSIDE/in; mkdir -p $OUTSIDE/ind; seq 8 >$OUTSIDE/ind/f; seq 7 >t' \
	"cp -r $OUTSIDE/ind .; cp $OUTSIDE/in t; cp $OUTSIDE/in u; mv $OUTSIDE/ind z"
scenario tmpfile 'seq 9 >a' 'python3 -c "
import os
f = os.open(\".\", os.O_TMPFILE | os.O_RDWR, 0o600); os.write(f, b\"hello\")
os.link(\"/proc/self/fd/%d\" % f, \"made\", src_dir_fd=0, follow_symlinks=True)
os.rename(\"made\", \"a\")"'
scenario mkdirs 'mkdir a; seq 9 >z' 'rm z; mkdir -p a/b/c; touch a/b/c/d; rmdir a/b 2>/dev/null; mkdir e; rmdir e; ln -s x y'
scenario holdout 'mkdir d; seq 9 >d/f' 'cd d; rm f; cd ..; rmdir d; mkdir d; echo n >d/f'
scenario npm 'mkdir -p node_modules/.bin node_modules/a node_modules/b; seq 9 >node_modules/a/i.js
	ln -s ../a/i.js node_modules/.bin/a; ln node_modules/a/i.js node_modules/b/i.js; chmod 755 node_modules/a/i.js' \
	'rm -rf node_modules; mkdir -p node_modules/a; echo new >node_modules/a/i.js'
finish
