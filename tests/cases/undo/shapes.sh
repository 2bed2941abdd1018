# SPDX-License-Identifier: MIT
# shapes.sh - files and trees of unusual shape
. "$(dirname "$0")/lib.sh"
begin
# (another user could not look at it to compare)
[ "$(id -u)" != 0 ] || scenario locked 'mkdir -p d/none d/ro; seq 9 >d/none/a; seq 8 >d/ro/b; seq 7 >r; chmod 000 d/none; chmod 500 d/ro; chmod 400 r; seq 6 >w; chmod 000 w' \
	'chmod -R u+rwx d; rm -rf d; rm -f r w'
scenario loops 'mkdir d; ln -s . d/self; ln -s ../d d/up; ln -s a b; ln -s b a; ln -s d/self/self/up way; ln -s /dev/zero zero' \
	'rm -rf a b way zero d'
scenario kinds 'mkfifo p; python3 -c "import socket; socket.socket(socket.AF_UNIX).bind(\"s\")"; ln -s /dev/tty t; : >empty; mkdir none' \
	'mv p q; rm -f s t empty; rmdir none; rm q; mkfifo s'
scenario bytes "python3 -c '
import os
for n in (b\"-rf\", b\"\\xff\\xfe\\x80\", b\"a\\nb\", b\" \", b\"\\\\\", b\"\\x01\\x7f\", b\"*\", b\"\\xe2\\x82\", b\"...\", b\"a\\tb\", b\"%s%n\", b\"x\" * 255):
    os.mkdir(n)
    open(n + b\"/\" + n, \"wb\").write(n)
'" 'find . -mindepth 1 -depth -delete'
scenario sparse-big 'truncate -s 6G a; for at in 1 3000 6000; do echo data$at | dd of=a bs=1M seek=$at conv=notrunc status=none; done
	cp --sparse=always a b; cp --sparse=always a c; cp --sparse=always a e; touch -d 2003-01-01 a b c e' \
	'rm a; : >b; truncate -s 4G c; dd if=/dev/zero of=e bs=1M seek=3000 count=1 conv=notrunc status=none'
scenario many 'python3 -c "
import os
for i in range(40):
    os.mkdir(\"d%d\" % i)
    for k in range(50):
        open(\"d%d/f%d\" % (i, k), \"w\").write(\"%d %d\" % (i, k))
"' 'rm -rf d?; for i in 1 2 3; do cp d1$i/f1 d2$i/f2; done; rm -rf d3*; find . -name "*7" -type f -delete'
scenario deep 'python3 -c "
import os
for i in range(60):
    os.mkdir(\"%d%s\" % (i, \"n\" * 50)); os.chdir(\"%d%s\" % (i, \"n\" * 50)); open(\"f\", \"w\").write(str(i))
"' 'rm -rf ./*'

# A path longer than PATH_MAX has no name to be restored to: refused, not lost.
mkdir "$WS/too-deep"
(cd "$WS/too-deep" && python3 -c '
import os
for i in range(30):
    os.mkdir("n" * 200); os.chdir("n" * 200); open("f", "w").write(str(i))
')
count() { (cd "$WS/too-deep" 2>/dev/null && find . -type f -printf x | wc -c); }
[ "$(count)" = 30 ] || fail "set-up: $(count)"
in_session rm -rf "$WS/too-deep"
undo
[ "$(count)" = 30 ] || fail "of 30 files with long paths $(count) are there"

# what cannot be removed natively cannot be removed here, and says the same
seq 9 >"$WS/fixed"
if chattr +i "$WS/fixed" 2>/dev/null; then
	in_session rm -f "$WS/fixed"
	[ "$STATUS" != 0 ] || fail 'an immutable file was removed'
	expect_err 'Operation not permitted'
	in_session bash -c "echo x >'$WS/fixed'"
	[ "$STATUS" != 0 ] || fail 'an immutable file was written'
	in_session bash -c "echo x >'$WS/n'; mv '$WS/n' '$WS/fixed'"
	[ "$STATUS" != 0 ] || fail 'an immutable file was replaced'
	chattr -i "$WS/fixed"
	[ "$(tail -1 "$WS/fixed")" = 9 ] || fail 'it changed'
fi
finish
