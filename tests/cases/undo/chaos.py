#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""chaos.py - random destruction by real tools, and all of it undone

    chaos.py AGENTSH DIRECTORY SEED [SEEDS [COMMANDS [STEPS]]]

Each seed makes a tree of its own below DIRECTORY (files of all shapes, a git
repository, a database, archives), runs COMMANDS governed commands of about STEPS
random steps each (tools, calls of tests/lib/destroy.py, several at once, nested
shells), and undoes them by a random plan: one by one, the session, since, a
path; redone and undone again. After each the tree must be byte for byte the one
of the full snapshot. AGENTSH_AS="setpriv ..." runs the commands of the CLI.
CHAOS_KEEP=1 leaves the trees, CHAOS_PLAN=NAME takes that plan (any_order).
"""
import json
import os
import random
import shlex
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
LIB = os.path.join(HERE, "..", "..", "lib")
sys.path.insert(0, LIB)
import snapshot  # noqa: E402

DESTROY = os.path.realpath(os.path.join(LIB, "destroy.py"))
STORE = b".agentsh_trash"
OPERATIONS = subprocess.run([sys.executable, "-S", DESTROY, "list", "x"],
                            stdout=subprocess.PIPE).stdout.decode().split()
GIT = ("-c user.name=a -c user.email=a@b -c commit.gpgsign=false -c gc.auto=0 "
       "-c init.defaultBranch=main")


def q(name):
    """A name for bash, whatever bytes it has."""
    return b"$'" + b"".join(b"\\x%02x" % c for c in name) + b"'"


def have(tool):
    return shutil.which(tool) is not None


# the same names in every run: git's are made of its times
DATES = "export GIT_AUTHOR_DATE=@1300000000+0000 GIT_COMMITTER_DATE=@1300000000+0000\n"
SETUP = DATES + r"""
set -e; RANDOM=7
mkdir -p d/e/f d/.hid big links odd deep empty locked repo bin node_modules/a/b
for i in $(seq 12); do seq $((RANDOM % 900 + 1)) >d/$i; done
for i in $(seq 5); do seq $i 300 >d/e/$i; seq $i >d/e/f/$i; seq $i >node_modules/a/b/$i.js; done
seq 9 >d/.hid/x; seq 5 >node_modules/a/index.js
chmod 640 d/3; chmod 600 d/4; chmod 4755 d/5; chmod 2775 d/e; chmod 1777 d/e/f; chmod 444 d/6
head -c 200000 /dev/urandom >big/r; head -c 1000000 /dev/zero >big/z
truncate -s 60M big/tera; seq 100 | dd of=big/tera bs=1 seek=50000000 conv=notrunc status=none
truncate -s 8M big/sparse; seq 900 | dd of=big/sparse bs=1 seek=5000000 conv=notrunc status=none
fallocate -l 300000 big/alloc 2>/dev/null || head -c 300000 /dev/zero >big/alloc
seq 500 >links/a; ln links/a links/b; ln links/a d/hard; ln -s a links/s; ln -s /etc/passwd links/out
ln -s nowhere links/dangling; ln -s ../d links/dir; ln -s links/dir/1 chain
mkfifo odd/fifo; : >odd/none; seq 3 >"odd/sp ace"; seq 4 >$'odd/new\nline'; seq 5 >odd/-rf
seq 6 >odd/$(printf 'n%.0s' $(seq 255)); seq 7 >$'odd/\xff\xfe'; seq 8 >'odd/*'; seq 9 >odd/Case; seq 10 >odd/case
seq 11 >$'odd/tab\tq"q'; ln -s $'new\nline' odd/ln
p=deep; for i in $(seq 25); do p=$p/level-$i; done; mkdir -p $p; seq 9 >$p/bottom
seq 30 >locked/in; chmod 500 locked/in; mkdir locked/sub; seq 3 >locked/sub/x
for f in d/1 d/2 d/e/1 links/a; do setfattr -n user.k -v "v $f" $f 2>/dev/null || :; done
setfattr -n user.dir -v 1 d 2>/dev/null || :
setfacl -m u:4242:rw d/7 2>/dev/null || :; setfacl -d -m u:4243:rwx d/e 2>/dev/null || :
cp /bin/true bin/t; printf '#!/bin/sh\necho hi\n' >bin/s; chmod 755 bin/s
mkdir src; for i in 1 2 3; do seq 2$i >src/$i; done; tar cf a.tar d/1 d/2 d/e src
printf 'clean:\n\trm -rf d/e *.o\nall:\n\tfor i in 1 2 3; do seq $$i >$$i.o; done\n' >Makefile
seq 50 >p1; sed s/25/XX/ p1 >p2; diff -u p1 p2 >p.diff || :
echo '{"name":"x","version":"1.0.0"}' >package.json
echo '{"name":"x","version":"1.0.0","lockfileVersion":3,"packages":{"":{"name":"x","version":"1.0.0"}}}' >package-lock.json
python3 -S -c '
import zipfile
z = zipfile.ZipFile("z.zip", "w")
for n in ("d/1", "src/2", "p1"): z.write(n)
z.close()'
python3 -c '
import sqlite3
for n in ("x.db", "y.db"):
    c = sqlite3.connect(n)
    if n[0] == "y": c.execute("pragma journal_mode=wal")
    c.execute("create table t(a, b)")
    c.executemany("insert into t values(?, ?)", [(i, "v" * 40) for i in range(800)])
    c.commit(); c.close()'
cd repo; g="git GITOPTS"; $g init -q .; seq 50 >a; mkdir s; seq 60 >s/b; seq 9 >c; $g add .; $g commit -qm one
$g branch other; seq 70 >a; $g commit -qam two; $g tag v1; seq 9 >untracked; mkdir u; seq 8 >u/f; echo o >.gitignore; seq 5 >o
$g worktree add -q ../wt other; seq 4 >../wt/own; echo dirty >>c; $g stash -q; echo dirty >>s/b
cd ..; find . -exec touch -h -d '2011-03-04 05:06:07.123456789' {} +
""".replace("GITOPTS", GIT)


class Tree:
    def __init__(self, top):
        self.files, self.dirs, self.other = [], [], []
        todo = [b""]
        while todo:
            rel = todo.pop()
            for e in sorted(os.scandir(os.path.join(os.fsencode(top), rel)),
                            key=lambda e: e.name):
                if e.name == STORE or e.name == b".git" and not rel:
                    continue
                p = os.path.join(rel, e.name)
                if e.is_dir(follow_symlinks=False):
                    self.dirs.append(p)
                    todo.append(p)
                elif e.is_file(follow_symlinks=False):
                    self.files.append(p)
                else:
                    self.other.append(p)
        self.files.sort()
        self.dirs.sort()
        self.other.sort()


class Maker:
    """Makes one script; names are those there when its command starts."""

    def __init__(self, rnd, top, outside):
        self.rnd, self.tree, self.outside = rnd, Tree(top), os.fsencode(outside)

    def file(self):
        return q(self.rnd.choice(self.tree.files or [b"none"]))

    def dir(self):
        return q(self.rnd.choice(self.tree.dirs or [b"none"]))

    def any(self):
        t = self.tree
        return q(self.rnd.choice(t.files + t.dirs + t.other or [b"none"]))

    def new(self):
        d = self.rnd.choice(self.tree.dirs + [b"."])
        return q(os.path.join(d, b"new%d" % self.rnd.randrange(40)))

    def n(self, top=100000):
        return b"%d" % self.rnd.randrange(1, top)

    def call(self):
        op = self.rnd.choice(OPERATIONS)
        first = self.any() if self.rnd.random() < .3 else self.file()
        second = self.any() if self.rnd.random() < .5 else self.new()
        return b"python3 -S %s %s %s %s %s" % (
            os.fsencode(DESTROY), op.encode(), first, second, self.n(1000))

    def tool(self):
        text = self.rnd.choice(TOOLS).encode()
        text = text.replace(b"GIT", b"git " + GIT.encode())
        while True:
            for word, get in ((b"{F}", self.file), (b"{D}", self.dir),
                              (b"{A}", self.any), (b"{N}", self.new),
                              (b"{n}", self.n), (b"{O}", self.away)):
                if word in text:
                    text = text.replace(word, get(), 1)
                    break
            else:
                return text

    def away(self):
        return q(os.path.join(self.outside, b"o%d" % self.rnd.randrange(5)))

    def step(self):
        s = self.call() if self.rnd.random() < .4 else self.tool()
        x = self.rnd.random()
        if x < .06:
            return b"sh -c %s" % os.fsencode(shlex.quote("bash -c " + shlex.quote(
                os.fsdecode(s))))
        if x < .1:
            return b"(cd d 2>/dev/null && cd .. && %s)" % s
        return s

    def script(self, steps, parallel):
        out = [DATES.encode() + b"set +e; exec 2>/dev/null </dev/null"]
        for _ in range(steps):
            if parallel and self.rnd.random() < .2:
                out.append(b"{ %s\n} & { %s\n} & %s\nwait" % (
                    self.step(), self.step(), self.step()))
            else:
                out.append(self.step())
        if parallel and self.rnd.random() < .3:
            # one that goes on when the shell of the command has ended
            out.append(b"setsid bash -c %s &" % os.fsencode(shlex.quote(
                "sleep 0.0%d; " % self.rnd.randrange(10) + os.fsdecode(self.step()))))
        return b"\n".join(out) + b"\nexit 0\n"


# {F} a file, {D} a directory, {A} anything, {N} a new name, {n} a number, {O}
# outside of the workspace
TOOLS = r"""
rm -f {A}
rm -rf {D}
rm -rf {D} {D} {F}
rm -rf ./d
rm -rf * .[!.]*
mv {F} {F}
mv -f {A} {N}
mv {D} {N}
mv -T {D} {D}
mv {A} {O}; mv {O} {N}
mv {F} {O}; rm -rf {O}
cp -a {D} {O}; mv -f {O} {N}
cp -rT {O} {D}
cp {F} {F}
cp -f --remove-destination {F} {A}
cp -a {D} {N}; rm -rf {D}
cp -al {D} {N}; rm -rf {D}
cp --reflink=auto --sparse=always {F} {F}
cp -b {F} {F}
install -m 640 {F} {A}
install -D {F} {N}/x/y
ln -sf {F} {A}
ln -f {F} {F}
ln -sfn {D} {A}
ln {F} {N}; rm -f {F}
ln {F} {N}; echo more >>{N}
truncate -s 0 {F}
truncate -s {n} {F}
truncate -s +{n} {F}
dd if=/dev/urandom of={F} bs=1 count=70 seek={n} conv=notrunc status=none
dd if=/dev/zero of={F} bs=4k count=3 conv=notrunc status=none
dd if={F} of={F} bs=1000 count=20 status=none
shred -u {F}
shred -n 1 -s 3000 {F}
sed -i s/1/x/g {F} {F}
sed -i.bak 1d {F}
perl -pi -e s/2/y/ {F}
perl -e 'unlink glob "d/*"'
echo over >{F}
echo over >|{F}; echo again >>{F}
echo more >>{F}
: >{F}
exec 5<>{F}; echo x >&5; exec 5>&-
exec 5>>{F}; rm -f {F}; echo late >&5; exec 5>&-
exec 5<{F}; mv -f {F} {F}; cat <&5 >/dev/null; exec 5<&-
tar xf a.tar
tar xf a.tar --overwrite
tar xf a.tar --unlink-first --recursive-unlink
tar cf a.tar d
tar cf - {D} | tar xf - -C {D}
gzip -f {F}; gunzip -f {F}.gz
xz -f {F}
unzip -qo z.zip
patch -s -p0 p1 p.diff
patch -s -R -b p2 p.diff
make -s clean
make -s -j3 all clean
cd repo && GIT clean -qxfd
cd repo && GIT reset -q --hard other
cd repo && GIT checkout -qf other
cd repo && GIT checkout -q -- .
cd repo && GIT stash -q -u; GIT stash drop -q
cd repo && GIT stash clear; GIT reflog expire --expire=now --all; GIT gc -q --prune=now
cd repo && GIT worktree remove -f -f ../wt; GIT worktree prune
cd repo && FILTER_BRANCH_SQUELCH_WARNING=1 GIT filter-branch -f --tree-filter 'rm -f a' HEAD >/dev/null
cd repo && GIT rm -rqf . ; GIT commit -qm gone
cd repo && GIT branch -q -D other; GIT tag -d v1
cd repo && GIT commit -qam new; GIT rebase -q other; GIT rebase --abort
cd repo && GIT merge -q other; GIT reset -q --merge
cd repo && rm -rf .git; GIT init -q .
cd repo && GIT repack -qad; GIT prune
git clone -q repo {N}
find {D} -delete
find {D} -type f -exec rm {} +
find . -name '*1*' -not -path './.agentsh*' -delete
find {D} -type f -print0 | xargs -0 -P 4 -n 2 rm -f
find d -type f -print0 | xargs -0 -n 3 touch -d 1999-01-01
find {D} -depth -type d -empty -delete
python3 -S -c "import shutil, sys; shutil.rmtree(sys.argv[1])" {D}
python3 -S -c "import os, sys; os.replace(sys.argv[1], sys.argv[2])" {F} {F}
python3 -S -c "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text('x')" {F}
node -e 'const f=require("fs"),a=process.argv; f.rmSync(a[1],{recursive:true,force:true})' {D}
node -e 'const f=require("fs"),a=process.argv; f.renameSync(a[1],a[2])' {A} {N}
node -e 'const f=require("fs"),a=process.argv; f.writeFileSync(a[1],"node"); f.appendFileSync(a[2],"more"); f.truncateSync(a[2],4); f.copyFileSync(a[1],a[3])' {F} {F} {F}
sqlite3 x.db "delete from t where a % 3 = 0; vacuum"
sqlite3 x.db "drop table t; vacuum"
sqlite3 y.db "update t set b = a; pragma wal_checkpoint(truncate)" >/dev/null
sqlite3 y.db "delete from t; vacuum; pragma journal_mode=delete" >/dev/null
npm ci --offline --no-audit --no-fund --cache "$NPM_CACHE" >/dev/null
chmod -R 000 {D}
chmod -R u+rwX,go-rwx {D}
chmod 4711 {F}
chown -R 4244:4245 {D}
chown -h 4246 {A}
chgrp 4247 {F}
setfattr -x user.k {F}
setfattr -n user.k -v other {A}
setfattr -n user.big -v 0x$(printf 'ab%.0s' $(seq 900)) {F}
setfacl -b {A}
setfacl -R -m u:4248:rx {D}
setfacl -k {D}
touch -d '2001-02-03 04:05:06.789' {A}
touch -h {A}
touch {N}
fallocate -p -o 4096 -l 4096 {F}
fallocate -z -o 100 -l 9000 {F}
fallocate -c -o 0 -l 4096 {F}
fallocate -i -o 4096 -l 4096 {F}
fallocate -d {F}
fallocate -l 50000 {F}
mkdir {N}; mv {A} {N}
mkdir -p {N}/p/q; seq 9 >{N}; rmdir {N}
rmdir -p {D}
rmdir empty; mkdir empty; touch -d 2005-05-05 empty
mv d e0; mkdir d; mv e0/* d; rmdir e0
mv d dd; mv src d; mv dd src
mv links l2; ln -s l2 links
for i in 1 2 3 4 5 6 7 8; do echo $i >{N}; mv -f {N} {F}; done
for i in 1 2 3; do cp {F} {N}; rm -f {N}; done
split -b 500 {F} {N}; rm -f {F}
sort -o {F} {F}
tac {F} | tee {F} >/dev/null
rename s/1/9/ d/* || for i in d/*1*; do mv "$i" "${i//1/9}"; done
mkfs.ext4 -q -F big/sparse
strip bin/t; objcopy --add-section .x=p1 bin/t
busybox rm -rf {D}
rsync -a --delete --inplace src/ d/
ed -s {F} <<<$'1d\nw\nq'
vim -es -c '1d|x' {F}
logrotate --version; cp {F} {N} && : >{F}
"""
TOOLS = [t for t in TOOLS.strip().split("\n") if "cd repo" in t or all(
    have(t.split()[0]) for _ in "1" if t.split()[0] in (
        "busybox", "rsync", "ed", "vim", "node", "sqlite3", "npm", "unzip",
        "patch", "make", "perl", "setfacl", "setfattr", "strip", "mkfs.ext4"))]


def held(d):
    """Units of 64 KiB with data."""
    if d.get("extents") is None:
        return (d.get("size", 0) >> 16) + 1
    return sum(b - a for a, b in d["extents"])


class Seed:
    def __init__(self, agentsh, top, seed, commands, steps):
        self.agentsh, self.seed = agentsh, seed
        self.rnd = random.Random(seed)
        self.session = "c%d" % seed
        self.base = os.path.join(top, self.session)
        self.ws = os.path.join(self.base, "ws")
        self.out = os.path.join(self.base, "out")
        self.commands, self.steps = commands, steps
        self.bad = []
        # what several processes did to one directory at once has no order
        # on record: directory times are not compared then (undo.md)
        self.parallel = self.rnd.random() < .5

    def run(self, *argv, **kw):
        as_ = shlex.split(os.environ.get("AGENTSH_AS", ""))
        return subprocess.run(as_ + list(argv), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              errors="backslashreplace", **kw)

    def undo(self, *words):
        r = self.run(self.agentsh, "undo", "--root", self.ws, *words)
        self.log.append("undo %s: %d %s" % (" ".join(words), r.returncode,
                                            r.stdout[-1500:]))
        return r

    def fail(self, what):
        self.bad.append("seed %d: %s" % (self.seed, what))

    def same(self, want, what, times=True):
        now = snapshot.take(self.ws)
        for name in set(want) | set(now):
            x, y = want.get(name), now.get(name)
            if x == y:
                continue
            if x is None or y is None:
                self.fail("%s: %r is %s" % (what, name, "new" if x is None
                                            else "missing"))
                continue
            keys = [k for k in set(x) | set(y) if x.get(k) != y.get(k)]
            # blocks that were allocated and never written (undo.md)
            if keys == ["extents"] and held(y) <= 2 * held(x) + 32:
                continue
            if (self.parallel or not times) and keys == ["mtime"] and x["type"] == 0o40000:
                continue
            for k in keys:
                self.fail("%s: %r: %s: %s, was %s" % (what, name, k, y.get(k),
                                                      x.get(k)))

    def make(self):
        for d in (self.ws, self.out):
            os.makedirs(d)
        as_ = os.environ.get("AGENTSH_AS")
        if as_:
            for d in (self.base, self.ws, self.out):
                os.chown(d, 65534, 65534)
        r = self.run("bash", "-c", SETUP, cwd=self.ws)
        if r.returncode:
            sys.exit("set-up: %s" % r.stdout)
        if not as_:
            self.run("bash", "-c", "chown -R 4240:4241 locked; "
                     "touch -h -d 2011-03-04 locked locked/*; "
                     "mknod odd/null c 1 3", cwd=self.ws)

    def command(self, k):
        script = Maker(self.rnd, self.ws, self.out).script(
            self.rnd.randrange(1, self.steps * 2), self.parallel)
        path = os.path.join(self.base, "%d.sh" % k)
        with open(path, "wb") as f:
            f.write(script)
        r = self.run(self.agentsh, "exec", "--output", "json", "--root", self.ws,
                     self.session, "--", "bash", path, cwd=self.ws,
                     env=dict(os.environ, NPM_CACHE=os.path.join(self.base, "npm")))
        try:
            answer = json.loads(r.stdout[r.stdout.index("{"):])
            self.ids.append(answer["command_id"])
        except (ValueError, KeyError):
            self.fail("command %d: %d %s" % (k, r.returncode, r.stdout[-300:]))
            self.ids.append("none")
        if r.returncode:
            self.fail("command %d: status %d" % (k, r.returncode))
        self.log.append("command %d: %s" % (k, r.stdout[-600:]))

    # plans -------------------------------------------------------------
    def one_by_one(self, states):
        for k in reversed(range(len(states) - 1)):
            self.expect("undo of command %d" % k, states[k], "--command", self.ids[k],
                        nothing=states[k] == states[k + 1])
            if self.bad:
                return

    def expect(self, what, state, *words, nothing=False):
        r = self.undo(*words)
        if r.returncode and not (nothing and r.returncode == 1):
            self.fail("%s: status %d" % (what, r.returncode))
        self.same(state, what)

    def whole(self, words, states):
        if states[0] == states[-1]:
            return
        self.expect("undo", states[0], *words)
        if self.bad:
            return
        self.expect("redo", states[-1], "--redo")
        if self.bad:
            return
        self.expect("undo again", states[0], *words)

    def by_session(self, states):
        self.whole(["--session", self.session], states)

    def since(self, states):
        self.whole(["--since", "1h"], states)

    def there_and_back(self, states):
        """One by one, all redone, one by one again."""
        self.one_by_one(states)
        undone = [l for l in self.log if l.startswith("undo --command") and
                  "undone: " in l]
        for _ in undone:
            if self.bad:
                return
            r = self.undo("--redo")
            if r.returncode:
                self.fail("redo: status %d" % r.returncode)
        self.same(states[-1], "all redone")
        if not self.bad:
            self.one_by_one(states)

    def by_path(self, states):
        """Every path of the top, then what is left."""
        if states[0] == states[-1]:
            return
        names = sorted({n.split("/")[0] for n in set(states[0]) | set(states[-1])
                        if n and "\\x" not in n})
        self.rnd.shuffle(names)
        for n in names[:3]:
            self.undo("--session", self.session, os.path.join(self.ws, n))
        r = self.undo("--session", self.session, "--force")
        if r.returncode > 1:
            self.fail("undo after paths: status %d" % r.returncode)
        self.same({k: v for k, v in states[0].items()}, "undo after paths")

    def any_order(self, states):
        """Commands in any order: what conflicts is left, and done later."""
        ids = list(self.ids)
        self.rnd.shuffle(ids)
        for i in ids:
            r = self.undo("--command", i)
            if r.returncode not in (0, 1, 2):
                self.fail("undo --command: %d" % r.returncode)
        r = self.undo("--session", self.session, "--force")
        if r.returncode > 1:
            self.fail("undo of the rest: status %d" % r.returncode)
        # A directory's time is that of the undo before its last one (undo.md).
        self.same(states[0], "undo in any order", times=False)

    def go(self):
        self.log, self.ids = [], []
        self.make()
        r = self.run(self.agentsh, "exec", "--root", self.ws, self.session, "--", "true",
                     cwd=self.ws)
        if r.returncode:
            sys.exit("exec: %s" % r.stdout)
        states = [snapshot.take(self.ws)]
        for k in range(self.commands):
            self.command(k)
            states.append(snapshot.take(self.ws))
        plans = [self.one_by_one, self.by_session, self.since, self.there_and_back]
        if os.environ.get("CHAOS_ALL"):
            plans += [self.by_path, self.any_order]
        plan = self.rnd.choice(plans)
        plan = getattr(self, os.environ.get("CHAOS_PLAN", plan.__name__))
        plan(states)
        self.run(self.agentsh, "session", "destroy", self.session)
        print("seed %d: %s, %d names, %s%s" % (
            self.seed, plan.__name__, len(states[0]),
            "parallel, " if self.parallel else "", "FAILED" if self.bad else "ok"),
            flush=True)
        if self.bad:
            with open(os.path.join(self.base, "log"), "w") as f:
                f.write("\n".join(self.log))
            for line in self.bad[:12]:
                print("  " + line[:600])
            for line in self.log[-2:]:
                print("  | " + line[:800])
        if not os.environ.get("CHAOS_KEEP") and not self.bad:
            subprocess.run(["rm", "-rf", self.base])
        return not self.bad


def main():
    agentsh, top, seed = sys.argv[1], sys.argv[2], int(sys.argv[3])
    seeds = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    commands = int(sys.argv[5]) if len(sys.argv) > 5 else 4
    steps = int(sys.argv[6]) if len(sys.argv) > 6 else 6
    os.makedirs(top, exist_ok=True)
    good = [Seed(agentsh, top, s, commands, steps).go()
            for s in range(seed, seed + seeds)]
    sys.exit(0 if all(good) else 1)


main()
