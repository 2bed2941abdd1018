# SPDX-License-Identifier: MIT
# tools.sh - what developers use works on the mount
. "$(dirname "$0")/lib.sh"

cat >"$T/work" <<'END'
set -e
export HOME=$PWD GIT_CONFIG_NOSYSTEM=1
git init -q -b main repo
cd repo
git config user.email a@example.org
git config user.name A
for i in $(seq 60); do mkdir -p d$((i % 7)); echo "line $i" >d$((i % 7))/f$i; done
git add -A && git commit -qm one
git checkout -q -b side
for i in $(seq 1 5 60); do echo changed >>d$((i % 7))/f$i; done
git rm -q d3/f3
git commit -qam two
git checkout -q main
echo main >d0/only && git add -A && git commit -qm three
git rebase -q side
git worktree add -q ../tree side
echo x >>d1/f1 && git stash -q && git stash pop -q
git checkout -q d1/f1
git gc -q
git fsck --strict --no-progress
cd ..
git clone -q repo clone
[ "$(git -C clone rev-parse HEAD)" = "$(git -C repo rev-parse HEAD)" ]
[ -z "$(git -C repo status --porcelain)" ]
if command -v sqlite3 >/dev/null; then
	for mode in wal delete; do
		sqlite3 $mode.db "PRAGMA journal_mode=$mode; CREATE TABLE t(x);
			BEGIN; INSERT INTO t SELECT value FROM generate_series(1,2000); COMMIT;
			DELETE FROM t WHERE x % 2; VACUUM; PRAGMA integrity_check;
			SELECT count(*) FROM t;" | tail -2
	done
fi
mkdir src && cat >src/a.c <<'C'
#include <stdio.h>
int main(void) { puts("compiled"); return 0; }
C
printf 'a: src/a.c\n\tcc -o $@ $<\n' >Makefile
make -s && ./a
sed -i s/compiled/edited/ src/a.c && make -s && ./a
tar cf t.tar repo && mkdir untar && tar xf t.tar -C untar
diff -r repo untar/repo && echo same
cp -a repo cp && diff -r repo cp && rm -rf cp untar tree
exec 9>lockfile; flock -n 9; flock -n lockfile true && exit 1
find . -name .git -prune -o -type f -print | wc -l
END
mounted bash "$T/work"
cat "$T/out" "$T/err" | tail -20
[ "$STATUS" = 0 ] || fail "status $STATUS"
grep -qx compiled "$T/out" && grep -qx edited "$T/out" && grep -qx same "$T/out" ||
	fail 'something did not run'
