# SPDX-License-Identifier: MIT
# files.sh - every way to destroy what a file holds, by ordinary tools
. "$(dirname "$0")/lib.sh"
begin

scenario rm 'mkdir -p d/e; seq 99 >d/e/a; seq 9 >b; touch -d 2001-02-03 b' \
	'rm -rf d b'
scenario mv-over 'echo one >a; echo two >b; mkdir d; echo three >d/a' \
	'mv a b; mv b d/a'
scenario redirect 'seq 1000 >a; seq 1000 >b' 'echo x >a; : >b'
scenario append 'seq 1000 >a' 'echo x >>a; echo y >>a'
scenario truncate 'seq 1000 >a; seq 1000 >b; seq 1000 >c' \
	'truncate -s 10 a; truncate -s 0 b; truncate -s 1M c'
scenario sed 'seq 1000 >a; chmod 640 a' 'sed -i s/1/x/ a'
# (the editor is not on every machine)
! command -v vim >/dev/null || scenario ex 'seq 1000 >a' 'vim -es -u NONE -N -c "2d" -c "wq" a'
scenario shutil 'mkdir -p d/e; seq 9 >d/e/f; ln -s f d/e/l' \
	'python3 -c "import shutil; shutil.rmtree(\"d\")"'
scenario py-open 'seq 1000 >a; seq 1000 >b; seq 9 >c' 'python3 -c "
import os
open(\"a\", \"w\").write(\"x\")
f = open(\"b\", \"r+b\"); f.seek(10); f.write(b\"yy\"); f.truncate(50)
os.replace(\"c\", \"a\")"'
scenario tar-over 'mkdir d; seq 9 >d/a; seq 8 >d/b; tar cf t.tar d; seq 99 >d/a
	rm d/b; mkdir d/b2' 'tar xf t.tar'
scenario cp-over 'seq 9 >a; seq 1000 >b; mkdir d; seq 5 >d/a' \
	'cp a b; cp --remove-destination a d/a; cp -a b c'
scenario dd 'seq 1000 >a' 'dd if=/dev/zero of=a bs=16 count=2 seek=3 conv=notrunc'
scenario mmap 'seq 100000 >a' 'python3 -c "
import mmap
f = open(\"a\", \"r+b\"); m = mmap.mmap(f.fileno(), 0)
m[100:104] = b\"XXXX\"; m[400000:400003] = b\"YYY\"; m.flush()"'
scenario fallocate 'seq 200000 >a; seq 200000 >b; seq 200000 >c' \
	'fallocate -p -o 4096 -l 65536 a; fallocate -z -o 0 -l 4096 b
	fallocate -c -o 4096 -l 8192 c'
scenario copy-range 'seq 50000 >a; seq 60000 >b; seq 60000 >c' 'python3 -c "
import os
a = os.open(\"a\", os.O_RDONLY); b = os.open(\"b\", os.O_RDWR)
os.copy_file_range(a, b, 5000, 0, 9000)
c = os.open(\"c\", os.O_WRONLY); os.sendfile(c, a, 0, 7000)
r, w = os.pipe(); os.splice(a, w, 4096, offset_src=0)
os.splice(r, c, 4096, offset_dst=30000)"'
scenario open-unlinked 'seq 1000 >a' 'exec 3<>a; rm a; echo x >&3; exec 3>&-'
scenario sqlite 'sqlite3 a.db "create table t(x); insert into t values(1),(2)"
	sqlite3 w.db "pragma journal_mode=wal; create table t(x); insert into t values(1),(2)" >/dev/null' \
	'sqlite3 a.db "delete from t where x=1; vacuum"
	sqlite3 w.db "delete from t where x=1; insert into t values(7)"
	sqlite3 a.db "drop table t"'
scenario big 'head -c 3000000 /dev/urandom >a; cp a b; cp a c' \
	': >a; echo x >b; dd if=/dev/zero of=c bs=1k count=3 conv=notrunc'
scenario twice 'seq 9 >a' 'echo 1 >a; echo 2 >a; rm a; echo 3 >a; mv a b; echo 4 >b'
scenario own 'seq 9 >keep' 'seq 9 >x; echo y >x; mv x y; rm y; mkdir q; touch q/r; echo z >keep
	rm -rf q; touch stay'
scenario concurrent 'for i in $(seq 40); do seq $i >f$i; done' \
	'for i in $(seq 40); do (rm f$i; echo new >f$i; echo more >>f$i) & done; wait'
finish
