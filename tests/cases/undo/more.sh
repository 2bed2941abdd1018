#!/bin/bash
# SPDX-License-Identifier: MIT
# more.sh - databases, editors and rotations; each call that can destroy bytes
. "$(dirname "$0")/lib.sh"
begin
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
have() { command -v "$1" >/dev/null || { echo "not here: $1"; return 1; }; }
repo='git init -q -b main .; seq 50 >a; mkdir d; seq 60 >d/b; git add .; git commit -qm one
	git checkout -q -b other; seq 55 >a; git commit -qam there; git checkout -q main; seq 70 >d/b; git commit -qam two'

scenario stash "$repo; echo x >>a; echo y >n" 'git stash -q -u; git stash drop -q; git gc -q --prune=now'
scenario rebase "$repo" 'git rebase -q other; git repack -q -a -d; git reflog expire --expire=now --all; git prune --expire=now'
scenario rebase-stops "$repo; git checkout -q other; seq 99 >d/b; git commit -qam clash" \
	'git rebase -q main >/dev/null 2>&1; git checkout -q --theirs d/b; git rebase --abort'
scenario merge "$repo" 'git merge -q -m m other; git clean -qfdx; git branch -q -D other'

# one database file that is mapped and written where it is
scenario mapped 'seq 20000 >a; seq 20000 >b; cp a c' 'python3 - <<E
import mmap, os
f = os.open("a", os.O_RDWR); m = mmap.mmap(f, 0); os.close(f); m[5000:5004] = b"zzzz"; m.flush(); m[70000:70002] = b"yy"; del m
f = os.open("b", os.O_RDWR); os.ftruncate(f, 200000); m = mmap.mmap(f, 200000); m[0:3] = b"new"; m[199990:199993] = b"end"; m.close()
f = os.open("c", os.O_RDWR); os.unlink("c"); m = mmap.mmap(f, 0); m[1:2] = b"q"; m.close()
E'
scenario dbm 'python3 -c "
import dbm
d = dbm.open(\"db\", \"c\")
for i in range(300): d[str(i)] = str(i) * 9
d.close()"' 'python3 -c "
import dbm
d = dbm.open(\"db\", \"w\")
for i in range(0, 300, 2): del d[str(i)]
for i in range(50): d[str(i)] = \"changed\"
d.close()"'
if have sqlite3; then
	scenario wal-killed 'sqlite3 a.db "pragma journal_mode=wal; create table t(x); insert into t values(1)" >/dev/null; sqlite3 b.db "create table t(x); insert into t values(1)"' 'python3 - <<E
import os, signal, sqlite3
for mode, name in (("wal", "a.db"), ("delete", "b.db")):
    if os.fork() == 0:
        c = sqlite3.connect(name, isolation_level=None)
        c.execute("pragma cache_size=2"); c.execute("pragma journal_mode=" + mode)
        c.execute("begin immediate")
        for i in range(3000): c.execute("insert into t values(?)", ("x" * 200,))
        os.kill(os.getpid(), signal.SIGKILL)
    os.wait()
    c = sqlite3.connect(name); c.execute("update t set x=2"); c.commit(); c.close()
E'
fi

# how editors save, and how logs are turned
scenario editors 'seq 9 >a; chmod 640 a; ln a a2; seq 8 >b; ln -s b l; setfattr -n user.k -v v b; touch -d 2004-04-04 a b' \
	'cp -p a a~; echo emacs >a; mv b b~; echo vim >b; chmod 644 b; rm b~
	printf x >.l.swp; cat b >l; rm .l.swp; echo new >.a.tmp; ln -f .a.tmp a; rm .a.tmp'
scenario copytruncate 'seq 500 >log; seq 400 >log.1; seq 300 >log.2' \
	'exec 3>>log; echo before >&3; mv -f log.1 log.2; cp -p log log.1; : >log; echo after >&3; truncate -s 0 log; echo late >&3; gzip -f log.2; exec 3>&-'
scenario swaps 'mkdir v1 v2; seq 5 >v1/f; seq 6 >v2/f; ln -s v1 current' \
	'ln -sfn v2 current; ln -s v1 next; mv -T next current; rm -rf v2; mv v1 v2'
scenario backups 'seq 9 >a; seq 8 >b; seq 7 >a~; mkdir d; seq 6 >d/a' 'cp -b b a; mv -b a d/a; install -b -m 700 b d/a; cp --backup=t b d/a'
scenario farm 'mkdir d; for i in 1 2 3; do seq 1$i >d/$i; done; cp -al d e; cp -al d f' \
	'rm -rf d; echo in-place >>e/1; sed -i s/1/x/ f/2; mv e/3 f/3; rm -rf e'
have make && scenario make-j 'mkdir o; for i in $(seq 20); do seq $i >o/$i.o; done
	printf "all: $(seq -s " " 20)\n%%:\n\t@echo \$@ >o/\$@.o; mv o/\$@.o o/\$@.x; rm -f o/\$@.y\n" >Makefile' 'make -s -j 4'
scenario tar-all 'mkdir d; seq 9 >d/a; seq 8 >d/b; setfattr -n user.k -v v d/a; setfacl -m u:77:rw d/b; tar --xattrs --acls -cf t.tar d; setfattr -n user.k -v w d/a; setfacl -b d/b; chmod 600 d/b; seq 77 >d/a' \
	'tar --xattrs --xattrs-include=user.* --acls -xpf t.tar'
have npm && scenario npm-install 'mkdir p; echo "{\"name\":\"p\",\"version\":\"2.0.0\"}" >p/package.json; seq 9 >p/index.js
	mkdir -p node_modules/p; echo "{\"name\":\"p\",\"version\":\"1.0.0\"}" >node_modules/p/package.json; seq 99 >node_modules/p/own.js
	echo "{\"name\":\"x\",\"version\":\"1.0.0\",\"dependencies\":{\"p\":\"file:p\"}}" >package.json' \
	"npm install --offline --no-audit --no-fund --cache '$T/npm' >/dev/null 2>&1; npm uninstall --offline --no-audit --cache '$T/npm' p >/dev/null 2>&1"
scenario shutil 'mkdir -p d/e s; seq 9 >d/e/a; seq 8 >s/a; seq 7 >d/a; ln -s a d/l' 'python3 - <<E
import os, pathlib, shutil, tempfile
shutil.copytree("s", "d", dirs_exist_ok=True); shutil.move("d/e", "s/e"); shutil.rmtree("s")
pathlib.Path("d/a").write_text("x"); pathlib.Path("d/l").unlink()
with tempfile.NamedTemporaryFile("w", dir="d", delete=False) as f: f.write("t")
os.replace(f.name, "d/a"); os.chmod("d/a", 0o600); shutil.copystat("/etc/passwd", "d/a")
E'

# every call that changes bytes which are there
python3 - >"$T/calls.py" <<'E'
print('''
import ctypes, fcntl, mmap, os, struct
libc = ctypes.CDLL(None, use_errno=True)
def at(name, flags=os.O_RDWR): return os.open(name, flags)
def falloc(name, mode, off, n): libc.fallocate(at(name), mode, ctypes.c_long(off), ctypes.c_long(n))
os.pwrite(at("pwrite"), b"zz", 3)
os.pwritev(at("pwritev"), [b"z", b"y"], 4000)
f = at("append", os.O_WRONLY | os.O_APPEND); fcntl.fcntl(f, fcntl.F_SETFL, 0); os.pwrite(f, b"zz", 2)
falloc("punch", 3, 4096, 4096)
falloc("zero", 0x10, 100, 5000)
falloc("collapse", 8, 0, 4096)
falloc("insert", 0x20, 4096, 4096)
falloc("extend", 0, 0, 60000)
os.copy_file_range(at("source", os.O_RDONLY), at("cfr"), 3000, 10, 20)
os.sendfile(at("sendfile"), at("source", os.O_RDONLY), 0, 2000)
r, w = os.pipe(); os.write(w, b"piped" * 10); os.splice(r, at("splice"), 50, offset_dst=7)
try: fcntl.ioctl(at("clone"), 0x40049409, at("source", os.O_RDONLY))
except OSError: os.pwrite(at("clone"), b"c", 0)
try: fcntl.ioctl(at("clonerange"), 0x4020940D, struct.pack("qQQQ", at("source", os.O_RDONLY), 0, 4096, 0))
except OSError: os.pwrite(at("clonerange"), b"c", 0)
f = at("direct", os.O_RDWR | os.O_DIRECT); m = mmap.mmap(-1, 4096); m.write(b"d" * 4096); os.pwritev(f, [m], 4096)
f = at("shrink"); os.ftruncate(f, 10); os.ftruncate(f, 20000)
os.truncate("grow", 70000)
f = at("proc", os.O_RDONLY); os.write(os.open("/proc/self/fd/%d" % f, os.O_WRONLY | os.O_TRUNC), b"p")
os.fchmod(at("fchmod", os.O_RDONLY), 0o600); os.setxattr("xattr", "user.k", b"2"); os.removexattr("xattr", "user.l")
os.utime(at("times", os.O_RDONLY), (1, 2))
pid = os.fork()
if pid == 0:
    f = at("child"); os.write(f, b"by a child"); os._exit(0)
os.waitpid(pid, 0)
f = at("dup"); g = os.dup(f); os.close(f); os.write(g, b"dup")
f = at("fork"); pid = os.fork()
if pid == 0: os.pwrite(f, b"inherited", 9); os._exit(0)
os.waitpid(pid, 0)
f = os.open(".", os.O_RDWR | os.O_TMPFILE); os.write(f, b"t"); os.unlink("tmpfile")
libc.linkat(-100, b"/proc/self/fd/%d" % f, -100, b"tmpfile", 0x400)
os.mknod("node/x"); os.rename("node/x", "nodes"); os.symlink("a", "sym.new"); os.rename("sym.new", "sym")
''')
E
scenario calls 'for f in pwrite pwritev append punch zero collapse insert extend cfr sendfile splice clone clonerange direct shrink grow proc fchmod xattr times child dup fork tmpfile nodes sym; do seq 4000 >$f; touch -d 2008-08-08 $f; done
	seq 5000 9999 >source; mkdir node; setfattr -n user.k -v 1 xattr; setfattr -n user.l -v 1 xattr' "python3 '$T/calls.py'"
grep -q Traceback "$T/command.err" && { cat "$T/command.err"; FAILED=1; }
finish
