# SPDX-License-Identifier: MIT
# programs.sh - package managers, builds, editors and databases in a governed
# session on the mount, without a network; each that is not here is named
POLICY_FILE=$(dirname "$0")/../../suites/allow.yaml
CONFIG_EXTRA='sandbox: {fuse: {enabled: true}}'
. "$(dirname "$0")/../lib/case.sh"
start_server
in_session true

part() { # PROGRAM SCRIPT...: with pipefail and -e, must print "fine"
	local name=$1
	command -v "$name" >/dev/null 2>&1 || {
		echo "left out: $name"
		return
	}
	printf 'set -eu -o pipefail\nexport HOME="$PWD/home"\nmkdir -p "$HOME" %s && cd %s\n%s\necho fine\n' \
		"t-$name" "t-$name" "$2" >"$WS/$name.sh"
	in_session timeout 600 bash "$name.sh"
	[ "$STATUS" = 0 ] || fail "$name: status $STATUS"
	expect_out fine
	echo "$name: fine"
}

part npm '
mkdir -p dep/lib app
echo "{\"name\":\"dep\",\"version\":\"1.0.0\",\"bin\":{\"dep\":\"lib/run.js\"}}" >dep/package.json
printf "#!/usr/bin/env node\nconsole.log(42)\n" >dep/lib/run.js
for i in $(seq 200); do echo "module.exports = $i" >dep/lib/f$i.js; done
(cd dep && npm pack --silent --offline >/dev/null)
cd app && echo "{\"name\":\"app\",\"version\":\"1.0.0\"}" >package.json
npm install --offline --no-audit --no-fund --silent ../dep/dep-1.0.0.tgz
[ "$(node_modules/.bin/dep)" = 42 ]
[ "$(node -p "require(\"dep/lib/f77.js\")")" = 77 ]
npm ls --silent >/dev/null && npm uninstall --offline --silent dep && [ ! -e node_modules/dep ]'

part python3 '
python3 -m venv --without-pip env
mkdir -p pkg/thing && echo "value = 7" >pkg/thing/__init__.py
env/bin/python3 -c "
import sys, zipfile, compileall, shutil, tempfile, os, mmap, fcntl, sqlite3
sys.path.insert(0, \"pkg\")
import thing
assert thing.value == 7 and compileall.compile_dir(\"pkg\", quiet=1)
z = zipfile.ZipFile(\"w.whl\", \"w\"); z.write(\"pkg/thing/__init__.py\", \"thing/__init__.py\"); z.close()
zipfile.ZipFile(\"w.whl\").extractall(\"env/site\")
shutil.copytree(\"pkg\", \"copy\"); shutil.rmtree(\"copy\")
with tempfile.TemporaryFile(dir=\".\") as f:
    f.write(b\"x\" * 8192); f.flush()
    m = mmap.mmap(f.fileno(), 8192); m[0:3] = b\"abc\"; m.flush(); m.close()
    f.seek(0); assert f.read(4) == b\"abcx\"
"
'

part ninja '
cat >build.ninja <<E
rule cc
  command = cc -MMD -MF \$out.d -c -o \$out \$in
  depfile = \$out.d
  deps = gcc
rule link
  command = cc -o \$out \$in
build a.o: cc a.c
build b.o: cc b.c
build prog: link a.o b.o
E
echo "int b(void); int main(void) { return b() - 3; }" >a.c
echo "#include \"v.h\"
int b(void) { return V; }" >b.c
echo "#define V 3" >v.h
ninja >/dev/null && ./prog
ninja | grep -q "no work to do"
echo "#define V 4" >v.h && ninja | grep -q 2/2 && ! ./prog
ninja -t clean >/dev/null && [ ! -e prog ]'

part cargo '
export CARGO_HOME=$HOME/.cargo RUSTUP_HOME=${RUSTUP_HOME:-/root/.rustup}
cargo --version >/dev/null 2>&1 || { echo fine; exit 0; }
cargo init --quiet --vcs none --name thing . && cargo build --quiet --offline
./target/debug/thing | grep -q Hello
echo "fn main() { println!(\"again\"); }" >src/main.rs
cargo build --quiet --offline && ./target/debug/thing | grep -qx again'

part vim '
printf "one\ntwo\n" >file && chmod 640 file
vim -u NONE -es -c "%s/two/three/" -c "wq" file || true
[ "$(tail -1 file)" = three ] && [ "$(stat -c %a file)" = 640 ]
vim -u NONE -es -c "set writebackup backupcopy=no" -c "%s/three/four/" -c "wq" file || true
[ "$(tail -1 file)" = four ] && [ "$(stat -c %a file)" = 640 ]
sed -i.bak s/four/five/ file && [ "$(tail -1 file)" = five ] && [ "$(tail -1 file.bak)" = four ]'

part sqlite3 '
for mode in wal delete truncate persist; do
	sqlite3 $mode.db "PRAGMA journal_mode=$mode; CREATE TABLE t(w, n);" >/dev/null
	for w in 1 2 3; do
		(for n in $(seq 15); do
			sqlite3 -cmd ".timeout 20000" $mode.db "INSERT INTO t VALUES($w, $n);"
		done) &
	done
	wait
	[ "$(sqlite3 $mode.db "SELECT count(*), sum(n) FROM t; PRAGMA integrity_check;" | tr "\n" " ")" = "45|360 ok " ]
done'

part rsync '
mkdir a && for i in $(seq 50); do echo $i >a/f$i; done; ln a/f1 a/hard; ln -s f2 a/soft
rsync -aH a/ b/ && diff -r a b && [ a/f1 -ef a/hard ] && [ b/f1 -ef b/hard ]
echo more >>a/f3 && rsync -aH --delete --inplace a/ b/ && diff -r a b'

part cp '
mkdir a && for i in $(seq 50); do echo $i >a/f$i; done; truncate -s 3M a/sparse; ln a/f1 a/hard
chmod 600 a/f2; touch -d @1000000000.123456789 a/f3
cp -a --reflink=auto --sparse=always a b && diff -r a b && [ b/f1 -ef b/hard ]
[ "$(stat -c %a%.9Y b/f2 b/f3)" = "$(stat -c %a%.9Y a/f2 a/f3)" ]
[ "$(stat -c %b b/sparse)" -lt 100 ]
tar --sparse --xattrs -cf t.tar a && mkdir c && tar --xattrs -xf t.tar -C c && diff -r a c/a
find a -type f -print0 | xargs -0 -P4 -n5 md5sum | sort >s1
find c/a -type f -print0 | xargs -0 -P4 -n5 md5sum | sed "s|c/a|a|" | sort >s2; cmp s1 s2
install -m 755 a/f1 d && mv d e && dd if=/dev/zero of=big bs=1M count=20 status=none && rm -rf a b c'

in_session bash -c 'cd t-cp && ls | wc -l'
run bash -c "cd '$WS' && '$AGENTSH_BUILD/cli/agentsh' undo --since 1h"
[ "$STATUS" = 0 ] || [ "$STATUS" = 2 ] || fail "undo of all of it: $STATUS"
left=$(find "$WS" -mindepth 1 -maxdepth 1 -name 't-*' | wc -l)
[ "$left" -le 1 ] || fail "undo left $(ls "$WS")"
