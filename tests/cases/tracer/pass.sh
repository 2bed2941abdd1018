# SPDX-License-Identifier: MIT
# pass.sh - reads that go on: the record names the object by its own path,
# through links, directories that are renamed or replaced, and descriptors
. "$(dirname "$0")/../lib/case.sh"
command -v python3 >/dev/null || skip "no python3"
cat >"$T/pass.yaml" <<-END
version: 1
name: pass
file_rules:
  - {name: vault, paths: ["$T/vault/*/key*"], operations: ["*"], decision: deny}
  - {name: work, paths: ["\${PROJECT_ROOT}/**", "/dev/null"], operations: ["*"], decision: allow}
command_rules:
  - {name: all, commands: ["*"], decision: allow}
END
mkdir -p "$T/vault/a" "$WS/dir/sub" "$WS/other"
echo secret >"$T/vault/a/key1"
echo fine >"$T/vault/a/file"
echo one >"$WS/dir/sub/one"
echo two >"$WS/other/two"
echo dir >"$WS/dir/same"
echo other >"$WS/other/same"
ln -s dir "$WS/link"
ln -s dir/sub/one "$WS/filelink"
ln -s "$T/vault/a" "$WS/vault"
POLICY_FILE=$T/pass.yaml
start_server

cat >"$WS/reads.py" <<-'END'
	import errno, os, sys

	def read(path, dir_fd=None, flags=0):
	    try:
	        fd = os.open(path, os.O_RDONLY | flags, dir_fd=dir_fd)
	    except OSError as e:
	        return errno.errorcode[e.errno]
	    try:
	        return os.read(fd, 99).decode().strip()
	    except IsADirectoryError:
	        return "directory"
	    finally:
	        os.close(fd)

	def expect(got, wanted):
	    if got != wanted:
	        sys.exit(f"line {sys._getframe(1).f_lineno}: {got}, not {wanted}")

	ws = os.getcwd()
	expect(read("dir/sub/one"), "one")
	expect(read(ws + "/./link//sub/one"), "one")
	expect(read("filelink"), "one")
	expect(read("filelink", flags=os.O_NOFOLLOW), "ELOOP")
	expect(read("dir/sub/"), "directory")
	expect(read("dir/sub/one/"), "ENOTDIR")
	expect(read("dir/sub/one/."), "ENOTDIR")
	expect(read("dir/sub/../sub/one"), "one")
	expect(read("other/two", flags=os.O_DIRECTORY), "ENOTDIR")
	expect(read("nothing/here"), "ENOENT")
	expect(read("other/nothing"), "ENOENT")
	expect(read(""), "ENOENT")
	expect(read("/"), "directory")
	expect(read("/dev/null"), "")
	expect(read(f"/proc/self/comm") != "ENOENT", True)
	d = os.open("other", os.O_RDONLY)
	expect(read("two", dir_fd=d), "two")
	expect(read("x", dir_fd=99), "EBADF")
	# denied by whatever name
	expect(read("vault/file"), "fine")
	expect(read("vault/key1"), "EACCES")
	# held for some milliseconds: what is changed meanwhile shows at once
	for i in range(50):
	    expect(read("dir/sub/one"), "one")
	    os.rename("dir", "moved")
	    expect(read("dir/sub/one"), "ENOENT")
	    expect(read("moved/sub/one"), "one")
	    expect(read("two", dir_fd=d), "two")
	    os.rename("moved", "dir")
	    os.mkdir("new")
	    expect(read("new/two"), "ENOENT")
	    os.rmdir("new")
	    os.symlink("other", "new")
	    expect(read("new/two"), "two")
	    os.unlink("new")
	    os.mkdir("new")
	    with open("new/two", "w") as f:
	        f.write("three")
	    expect(read("new/two"), "three")
	    os.unlink("new/two")
	    os.rmdir("new")
	    for to in "dir", "other":
	        os.symlink(to, "tmp")
	        os.rename("tmp", "flip")
	        expect(read("flip/same"), to)
	os.chdir("other")
	expect(read("two"), "two")
	os.rename("../other", "../elsewhere")
	expect(read("two"), "two")
END
in_session python3 -B reads.py
expect_status 0
# the last 5000, newest first: all of the record that is looked at
# (the end of it comes a moment later)
look() { agentsh events query --session s --type file_open --limit 5000 >"$T/all.json"; }
look
in_record() { jq -e "any(.[]; $1)" "$T/all.json" >/dev/null || { look && false; }; }
has() { # JQ-FILTER
	eventually in_record "$1" || fail "no record: $1"
}
has_not() { jq -e "all(.[]; ($1) | not)" "$T/all.json" >/dev/null || fail "record: $1"; }
allowed='.effective_action == "allowed"'
has "$allowed and .path == \"$WS/dir/sub/one\" and (.fields.name // \"\") == \"\""
has "$allowed and .path == \"$WS/dir/sub/one\" and .fields.name == \"$WS/link/sub/one\""
has "$allowed and .path == \"$WS/dir/sub/one\" and .fields.name == \"$WS/filelink\""
has "$allowed and .path == \"$WS/dir/sub\""
has "$allowed and .path == \"$WS/moved/sub/one\""
has "$allowed and .path == \"$WS/elsewhere/two\""
fifty() { # JQ-FILTER
	[ "$(jq "[.[] | select($1)] | length" "$T/all.json")" = 50 ] ||
		fail "not 50 times: $1"
}
fifty "$allowed and .path == \"$WS/other/two\" and .fields.name == \"$WS/new/two\""
fifty "$allowed and .type == \"file_open\" and .path == \"$WS/new/two\" and (.fields.name // \"\") == \"\""
fifty "$allowed and .path == \"$WS/dir/same\" and .fields.name == \"$WS/flip/same\""
fifty "$allowed and .path == \"$WS/other/same\" and .fields.name == \"$WS/flip/same\""
has "$allowed and .path == \"$WS/elsewhere/two\""
has "$allowed and .path == \"$T/vault/a/file\" and .fields.name == \"$WS/vault/file\""
has ".effective_action == \"blocked\" and .path == \"$T/vault/a/key1\" and .policy.rule == \"vault\""
has_not "$allowed and (.path | test(\"key1|nothing\"))"
has "$allowed and .pid > 0 and .policy.rule == \"work\" and .fields.syscall == \"openat\" and .command_id != \"\""
exit 0
