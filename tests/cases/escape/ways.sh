# SPDX-License-Identifier: MIT
# ways.sh - the many ways of ordinary tools to a denied program or file: none has
# an effect, each is on record.
. "$(dirname "$0")/../server/lib.sh"
POLICY_FILE=$(dirname "$0")/policy.yaml
case ${AGENTSH_LAYERS:-} in
*fuse*) [ -w /dev/fuse ] || skip "no /dev/fuse" ;;
esac
on() { case ${AGENTSH_LAYERS:-} in *$1*) echo true ;; *) echo false ;; esac; }
CONFIG_EXTRA="sandbox: {fuse: {enabled: $(on fuse)}, ptrace: {enabled: $(on ptrace)}}"
start_server
new_session s
echo sesame >"$WS/.env"
mkdir "$WS/closed" "$WS/a"
echo sesame >"$WS/closed/key"

n=0
PTMX=$(${AGENTSH_JAIL:+$AGENTSH_JAIL --} stat -Lc %a /dev/ptmx 2>/dev/null)
# Lines of commands, all of them run by one shell each, told apart by a mark.
ways() { # PATTERN OF THE RECORD
	local line want=$1
	while IFS= read -r line; do
		[ "$line" ] || continue
		# what a line speaks of first must be there
		[[ $line != '['*']'* ]] || {
			tool=${line%%]*}
			tool=${tool#[}
			line=${line#*] }
			command -v "$tool" >/dev/null || continue
			# some containers have a /dev/ptmx that nobody may open
			[ "$tool $PTMX" != 'script 0' ] || continue
		}
		printf '%s\n' "$line" >"$WS/way.sh"
		sh_exec '. ./way.sh'
		! jq -r '(.result.stdout // "") + (.result.stderr // "")' "$T/out" |
			tr -d '\0' | grep -qe uid= -e sesame || fail "got past: $line"
		jq -e "any(.events.blocked_operations[]?; $want)" "$T/out" >/dev/null ||
			fail "not on record: $line"
		n=$((n + 1))
	done
}

ways '.type == "execve"' <<'WAYS'
find . -maxdepth 0 -exec id \;
[awk] awk 'BEGIN{system("id")}'
[perl] perl -e 'exec {q(/usr/bin/id)} q(x)'
[python3] python3 -c 'import os; os.system("id")'
[python3] python3 -c 'import os; os.posix_spawn("/usr/bin/id", ["ls"], {})'
[tar] tar cf /dev/null --checkpoint=1 --checkpoint-action=exec=id way.sh
[make] printf 'all:\n\tid\n' >Makefile; make -s
sed '1e id' way.sh
echo | xargs id
env -S id
nohup setsid -w id </dev/null
[script] script -qec id /dev/null
[git] git -c alias.x='!id' x
[git] git init -q .; git -c core.fsmonitor='id;' status
split --filter=id way.sh
[vim] vim -es -c ':!id' -c q
[busybox] busybox id
[busybox] busybox sh -c /usr/bin/id
[ssh] ssh -o ProxyCommand=id x
exec -a ls /usr/bin/id
coproc id; cat <&${COPROC[0]}
trap id EXIT
BASH_ENV=/dev/fd/9 bash -c true 9<<<id
f() { id; }; export -f f; bash -c f
x=$'\x69'; "$x"d
$(rev <<<di)
set -- d; i$1
printf id | sh
WAYS

ways '.type == "file_rename" or ((.path // "") | test("/.env|/key|/closed"))' <<'WAYS'
cat ./.env .//.env $PWD/./.env closed/../.env
cat /proc/self/cwd/.env
cat /proc/$$/cwd/.env /proc/thread-self/cwd/.env
exec 9<.; cat /proc/self/fd/9/.env
exec 9<.; cat /dev/fd/9/.env
cd closed && cat key
cat <closed/key
mapfile -t x <.env; echo $x
. ./.env
grep -r sesame .env closed
[tar] tar cf - .env closed | grep -a sesame
[git] git hash-object -w --stdin <.env
ln .env e2; cat e2
ln -s .env e3; cat e3
ln -s e3 e4; ln -s e4 e5; cat e5
[python3] python3 -c "import os; f = os.open('.env', os.O_PATH); print(open('/proc/self/fd/%d' % f).read())"
[python3] python3 -c "import os; os.chdir('closed'); print(open('key').read())"
[python3] python3 -c "import os; d = os.open('.', os.O_PATH); print(os.read(os.open('.env', 0, dir_fd=d), 9))"
[python3] python3 -c "import os; print(os.sendfile(1, os.open('.env', os.O_RDONLY), 0, 10))"
[python3] python3 -c "import mmap, os; print(mmap.mmap(os.open('.env', os.O_RDWR), 0).read())"
[python3] python3 -c "import ctypes; l = ctypes.CDLL(None); print('uid=' if l.inotify_add_watch(l.inotify_init(), b'.env', 0xfff) >= 0 else 'no')"
[python3] python3 -c "import os; os.truncate('.env', 0)"
[python3] python3 -c "import os; os.setxattr('.env', 'user.a', b'1')"
[python3] python3 -c "import os; os.link('/proc/self/fd/%d' % os.open('.env', os.O_PATH), 'e6', follow_symlinks=True)"; cat e6
cp --reflink=auto .env e7; cat e7
mv .env e8; cat e8
mv closed a/; cat a/closed/key
mv --exchange a closed; cat a/key; mv -T closed a; cat a/key
dd if=.env; head .env; tail .env; od -c .env; base64 .env
exec 3<>.env; cat <&3
[curl] curl -s file://$PWD/.env
chmod 777 .env; chown 0 .env; touch .env
d=$(printf 'x\377\376y\ny\033[31m'); mkdir "$d"; cp way.sh "$d/.env"; ln -s ../.env "$d/l"; cat "$d/l"
WAYS
[ "$(cat "$WS/.env")" = sesame ] && [ "$(cat "$WS/closed/key")" = sesame ] || fail "changed"
[ "$n" -gt 40 ] || fail "only $n ways tried"
echo "$n ways"
exit 0
