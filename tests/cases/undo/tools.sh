# SPDX-License-Identifier: MIT
# tools.sh - what a coding agent's tools destroy, one scenario per tool
. "$(dirname "$0")/lib.sh"
begin
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
have() { command -v "$1" >/dev/null || { echo "not here: $1"; return 1; }; }
# needs TOOL NAME SETUP COMMAND: a scenario where the tool is installed
needs() {
	have "$1" || return 0
	shift
	scenario "$@"
}

repo='git init -q -b main .; seq 50 >a; mkdir d; seq 60 >d/b; git add .; git commit -qm one
	git branch other; seq 70 >a; git commit -qam two'

# the repository, with and without what git keeps
scenario repo "$repo; echo dirty >>a" 'rm -rf ./* ./.git'
scenario dot-git "$repo" 'rm -rf .git'
scenario push-force "mkdir w; cd w; $repo; cd ..; git clone -q --bare w r.git; cd w; git remote add o ../r.git" \
	'cd w; git reset -q --hard other; git push -q --force o main; git push -q o :other; cd ../r.git; git gc -q --prune=now'
scenario filter-branch "$repo" \
	'FILTER_BRANCH_SQUELCH_WARNING=1 git filter-branch -f --tree-filter "rm -f a" HEAD >/dev/null; rm -rf .git/refs/original'
scenario amend "$repo; seq 3 >n" 'git add -A; git -c user.name=a -c user.email=a@b commit -q --amend -m new; git rm -rqf d'
scenario worktree "$repo; git worktree add -q wt other; seq 9 >wt/untracked" 'git worktree remove --force wt; git worktree prune'
scenario submodule "mkdir s; cd s; $repo; cd ..; mkdir m; cd m; $repo
	git -c protocol.file.allow=always submodule --quiet add ../s sub; git commit -qm sub; seq 5 >sub/own" \
	'cd m; git submodule --quiet deinit -f --all; git rm -qf sub; rm -rf .git/modules'
scenario nested "$repo; mkdir n; cd n; $repo; seq 4 >x" 'git clean -ffdxq'
scenario packed "$repo; for i in \$(seq 30); do seq \$i >f\$i; git add f\$i; git commit -qm \$i; done; git gc -q" \
	'git checkout -q --orphan fresh; git branch -q -D main other; git reflog expire --expire=now --all; git gc -q --aggressive --prune=now'

# removal, tool by tool
tree='mkdir -p d/e/f d/.hid; seq 9 >d/a; seq 8 >d/e/b; seq 7 >d/e/f/c; seq 6 >d/.hid/x; ln -s a d/l; chmod 750 d/e; touch -d 2002-03-04 d/e'
scenario find-delete "$tree" 'find d -delete'
scenario find-exec "$tree" 'find . -type f -exec rm {} +; find . -type d -empty -delete'
scenario xargs "$tree" 'find d -type f -print0 | xargs -0 -P 4 -n 1 rm'
needs perl perl "$tree" 'perl -MFile::Path -e "File::Path::remove_tree(q(d))"'
needs node node "$tree" 'node -e "require(\"fs\").rmSync(\"d\", {recursive: true, force: true})"'
needs busybox busybox "$tree" 'busybox rm -rf d'
needs rsync rsync "$tree; mkdir src; seq 5 >src/a" 'rsync -a --delete src/ d/'
scenario shred 'seq 1000 >a; seq 2000 >b' 'shred -u a; shred -n 1 b'
scenario unlink 'seq 9 >a; mkdir -p x/y/z' 'unlink a; rmdir -p x/y/z'
scenario make 'mkdir o; seq 9 >o/a.o; printf "clean:\n\trm -rf o *.log\n" >Makefile; seq 5 >b.log' 'make -s clean'
needs npm npm 'mkdir -p node_modules/a; seq 9 >node_modules/a/index.js; echo "{\"name\":\"x\",\"version\":\"1.0.0\"}" >package.json
	echo "{\"name\":\"x\",\"version\":\"1.0.0\",\"lockfileVersion\":3,\"packages\":{\"\":{\"name\":\"x\",\"version\":\"1.0.0\"}}}" >package-lock.json' \
	"npm ci --offline --no-audit --no-fund --cache '$T/npm' >/dev/null"
scenario site-packages 'mkdir -p v/pkg v/pkg-1.dist-info; seq 5 >v/pkg/__init__.py; printf "pkg/__init__.py,,\n" >v/pkg-1.dist-info/RECORD' \
	'while IFS=, read -r f _; do rm "v/$f"; done <v/pkg-1.dist-info/RECORD; rm -r v/pkg-1.dist-info v/pkg'

# replacing what a file holds
scenario tee 'seq 1000 >a; seq 1000 >b; chmod 600 b' 'echo x | tee a >/dev/null; echo y | tee -a b >/dev/null'
scenario in-place 'seq 100 >a; seq 100 >b; seq 50 >c; seq 60 >e' \
	'perl -pi -e s/1/x/ a; sed -i.bak s/2/y/ b; sort -r -o c c; ex -s -c "1d|x" e 2>/dev/null || sed -i 1d e'
have patch && scenario patch 'seq 50 >a; seq 50 | sed s/25/XX/ >b; diff -u a b >p || true' 'patch -s a p; patch -s -R b p'
scenario tar 'mkdir d; seq 9 >d/a; seq 8 >d/b; chmod 640 d/a; tar cf t.tar d; seq 99 >d/a; chmod 600 d/b; ln d/a d/z' \
	'tar xf t.tar --overwrite; tar xf t.tar --recursive-unlink'
needs unzip unzip 'mkdir d; seq 9 >d/a; python3 -c "import zipfile; z = zipfile.ZipFile(\"z.zip\", \"w\"); z.write(\"d/a\"); z.close()"; seq 99 >d/a' \
	'unzip -qo z.zip'
scenario gzip 'seq 500 >a; seq 500 >b; gzip -c b >c.gz; touch -d 2011-01-01 a' 'gzip a; gunzip -f c.gz; xz b'
scenario cp-force 'seq 9 >a; seq 99 >b; chmod 444 b; mkdir d; seq 5 >d/a; ln -s a s' \
	'cp -f a b; cp --remove-destination a s; cp -rT . d 2>/dev/null; install -m 600 a d/b'
scenario ln-force 'seq 9 >a; seq 8 >b; mkdir d; ln -s d t' 'ln -sf /nowhere a; ln -f b t 2>/dev/null; ln -sfn b t; ln -f b d/b'
scenario away-and-back "seq 9 >a; mkdir d; seq 8 >d/f; chmod 700 d" \
	"mv a '$T/away'; mv d '$T/away-d'; echo changed >'$T/away-d/f'; mv '$T/away' a2; mv '$T/away-d' d"
scenario creat 'seq 1000 >a; seq 1000 >b; seq 1000 >c; ln -s c l; seq 1000 >d' 'python3 - <<E
import os
os.close(os.open("a", os.O_RDONLY | os.O_TRUNC))
f = os.open("b", os.O_RDWR); os.ftruncate(f, 7); os.ftruncate(f, 70)
os.close(os.open("l", os.O_WRONLY | os.O_CREAT | os.O_TRUNC))
p = os.open("d", os.O_PATH); g = os.open("/proc/self/fd/%d" % p, os.O_WRONLY); os.pwrite(g, b"zz", 9)
E'
scenario replace 'seq 100 >a; echo "{}" >j; chmod 600 j' 'python3 - <<E
import os, tempfile
f, n = tempfile.mkstemp(dir="."); os.write(f, b"new"); os.close(f); os.replace(n, "a")
with open("j.tmp", "w") as o: o.write("[1]")
os.rename("j.tmp", "j")
E'
scenario image 'truncate -s 8M disk; seq 3 | dd of=disk bs=1 seek=4000000 conv=notrunc status=none; cp disk disk2' \
	'mkfs.ext4 -q -F disk; dd if=/dev/zero of=disk2 bs=4k count=2 seek=976 conv=notrunc status=none'
needs sqlite3 sqlite 'for f in a b c; do sqlite3 $f.db "create table t(x); with recursive n(i) as (select 1 union all select i+1 from n where i<500) insert into t select i from n"; done
	sqlite3 b.db "pragma journal_mode=wal" >/dev/null' \
	'sqlite3 a.db "drop table t; vacuum"; sqlite3 b.db "delete from t; pragma wal_checkpoint(truncate); vacuum" >/dev/null; sqlite3 c.db "update t set x=x+1"; rm -f c.db-journal; mv c.db a.db'
scenario inherited 'seq 1000 >a; seq 1000 >b' 'exec 3<>a 4>>b; (echo x >&3; echo y >&4); python3 -c "import os; os.pwrite(3, b\"zz\", 100)"; exec 3>&- 4>&-'
scenario reader 'seq 5000 >a' 'exec 3<a; head -c 10 <&3 >/dev/null; echo over >a; cat <&3 >/dev/null; rm a; exec 3<&-'
scenario links 'seq 9 >a; ln a b; ln a c; mkdir d; ln a d/e' 'echo more >>b; echo all >c; rm a; mv d/e a; sed -i s/all/none/ c'
scenario modes 'mkdir -p d/e; seq 9 >d/a; seq 8 >d/e/b; chmod 2755 d; chmod 4711 d/a; touch -d 2005-05-05 d/e' \
	'chmod -R 000 d; chmod -R u+rwX d; chmod -R g-s d; touch -d 1999-09-09 d d/a; touch -h -d 2000-01-01 d/e/b'
scenario attributes 'seq 9 >a; mkdir d; setfattr -n user.k -v v a; setfacl -m u:77:r a; setfacl -d -m u:78:rwx d; seq 8 >d/x' \
	'setfattr -x user.k a; setfacl -b a; setfattr -n user.z -v 1 d/x; setfacl -k d; setfacl -m o::- d/x; rm a'
scenario by-hand 'seq 9 >a; seq 8 >b; mkdir d e; seq 7 >d/x; seq 6 >e/y' 'python3 - <<E
import ctypes, os
c = ctypes.CDLL(None)
c.renameat2(-100, b"a", -100, b"b", 2); c.renameat2(-100, b"d", -100, b"e", 2); c.renameat2(-100, b"a", -100, b"d", 2)
os.link("b", "b2"); os.unlink("b"); os.symlink("b2", "b"); os.truncate("b2", 3); os.mkfifo("p"); os.unlink("p")
E'
finish
