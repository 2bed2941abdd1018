# SPDX-License-Identifier: MIT
# files.sh - denied inside allowed trees, through every kind of name; and all
# that is allowed works as without us
. "$(dirname "$0")/lib.sh"

echo top-secret >"$WS/.env"
echo data >"$WS/f"
ln -s .env "$WS/l"
ln -s /etc/shadow "$WS/shadow"

traced bash -c 'for p in .env ./.env l "$PWD/.env" /proc/self/cwd/.env \
		/proc/self/root"$PWD"/.env "../${PWD##*/}/.env" \
		/proc/$$/cwd/l /proc/thread-self/cwd/.env; do cat "$p"; done
	exec 9<.; cat /proc/self/fd/9/.env /dev/fd/9/l
	cat shadow /etc/shadow /proc/self/root/etc/shadow
	ln .env hard; mv .env moved; cp .env copied; rm .env; chmod 666 .env
	touch .env; : >.env; mkdir sub; mkdir sub/.env
	python3 -c "import os
for f in (lambda: os.truncate(\".env\", 0), lambda: os.utime(\".env\"), lambda: os.setxattr(\".env\", \"user.a\", b\"\")):
    try: f(); print(\"secret changed\")
    except PermissionError: pass"'
[ ! -e "$WS/sub/.env" ] || fail 'denied name made'
expect_no_out secret
expect_no_out root:
[ "$(cat "$WS/.env")" = top-secret ] || fail '.env changed'
[ ! -e "$WS/hard" ] && [ ! -e "$WS/moved" ] || fail 'another name for .env'
for op in file_open file_link file_rename file_delete file_chmod \
	file_truncate file_utime file_write file_xattr file_mkdir; do
	expect_event ".type == \"$op\" and .effective_action == \"blocked\" and (.path | endswith(\"/.env\"))"
done
expect_event '.path == "/etc/shadow" and .effective_action == "blocked" and .policy.rule == "deny-env"'

mkdir -p "$WS/closed" "$WS/holder/deep" "$WS/plain/deep" "$WS/other"
echo secret >"$WS/closed/key"
echo secret >"$WS/holder/deep/.env"
traced bash -c 'mv closed opened; cat opened/key; mv holder h2
	cat h2/deep/.env; mv -T holder other; mv plain moved && echo moved
	python3 -c "import ctypes
print(ctypes.CDLL(None).renameat2(-100, b\"other\", -100, b\"closed\", 2))"'
expect_no_out secret
expect_out moved
expect_out -1
[ -f "$WS/closed/key" ] && [ -f "$WS/holder/deep/.env" ] || fail 'moved away'
expect_event '.type == "file_rename" and (.path | endswith("/holder")) and .effective_action == "blocked"'

traced bash -c 'echo x >/etc/agentsh-case; mkdir /usr/agentsh-case
	chmod 777 /etc/passwd; touch /usr/bin/env; ln -s x /etc/agentsh-case
	rm /etc/hostname; mv /etc/hostname /etc/h2; ln /etc/hostname hn'
[ ! -e /etc/agentsh-case ] && [ ! -e "$WS/hn" ] || fail 'system changed'

traced bash -ec 'cat f; echo one >new; echo two >>new; cat new
	mv f g; cat g; rm g; mkdir -p d/e/f; rmdir d/e/f; ln -s new sl; cat sl
	echo via >sl; cat new; ln new hl; truncate -s 1 new; wc -c <hl
	chmod 600 new; touch -d 2001-01-01T00:00:00Z new; stat -c "%a %Y" new
	umask 077; echo z >um; stat -c %a um; cat </dev/null
	mkfifo ff; (echo fifo >ff &); cat ff; exec 3<>f3; echo hi >&3
	readlink /proc/self/fd/3; cp -r d d2; rm -rf d d2; (tee /proc/self/fd/1 <<<tee; echo err >/proc/self/fd/2) 2>&1 | cat
	cat /proc/self/comm; cat <(echo subst)
	chown "$(id -u)" new; cat /proc/self/fd/0 <<<stdin'
expect_status 0
for w in data one two via '1' "600 978307200" 600 fifo "$WS/f3" tee cat subst stdin; do
	expect_out "$w"
done
expect_out err

traced python3 -c '
import os, tempfile, socket
f = tempfile.TemporaryFile(dir="."); f.write(b"x")
os.close(os.open("excl", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
for flags in (os.O_CREAT | os.O_EXCL | os.O_WRONLY, os.O_DIRECTORY):
    try: os.open("excl", flags); print("wrong")
    except OSError as e: print(e.errno)
try: os.open("sl", os.O_RDONLY | os.O_NOFOLLOW); print("wrong")
except OSError as e: print(e.errno)
os.symlink("dangling", "dl"); open("dl", "w").write("1")
print(os.path.exists("dangling"), len(os.listdir(".")) > 3)
p = os.open(".", os.O_PATH); print(os.open("new", os.O_RDONLY, dir_fd=p) > 0)
try: print("wrong", len(open("/proc/1/environ").read()))
except OSError as e: print(e.errno)
print(os.getpid() == int(os.readlink("/proc/self")), os.getpid() == int(open("/proc/self/stat").read().split()[0]))
'
expect_status 0
expect_no_out wrong
expect_no_out False

# reads left to Landlock: not where the policy is finer than it
SETTINGS='{"file_monitor": {"write_only_opens": true}}'
traced bash -c 'cat .env closed/key /etc/shadow; cat new; echo x >y; rm y'
expect_no_out secret
expect_no_out root:
expect_event '.type == "file_delete" and (.path | endswith("/y"))'
