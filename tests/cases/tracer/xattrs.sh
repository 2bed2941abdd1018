# SPDX-License-Identifier: MIT
# xattrs.sh - attributes by the calls of 6.13 and 6.17: denied where denied, and
# they do what they should where allowed
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip "no python3"

echo secret >"$WS/.env"
echo plain >"$WS/f"
ln -s f "$WS/l"
python3 -c "import os; os.setxattr('$WS/.env', 'user.a', b'1')" 2>/dev/null ||
	skip "no user attributes on this file system"
cat >"$WS/at.py" <<'PY'
import ctypes, errno, os, struct
libc = ctypes.CDLL(None, use_errno=True)
def call(nr, *args):
    r = libc.syscall(nr, *[ctypes.c_long(a) if isinstance(a, int) else a for a in args])
    return r if r >= 0 else errno.errorcode[ctypes.get_errno()]
def set_at(path, name, value, fd=-100, flags=0, extra=b""):
    v = ctypes.create_string_buffer(value, len(value))
    args = ctypes.create_string_buffer(struct.pack("QII", ctypes.addressof(v), len(value), 0) + extra)
    return call(463, fd, path, flags, name, args, 16 + len(extra))
def remove_at(path, name, fd=-100, flags=0):
    return call(466, fd, path, flags, name)
def set_attr(path, fd=-100, flags=0):
    got = ctypes.create_string_buffer(24)
    if call(468, fd, path, got, 24, flags) != 0: return "unknown"
    return call(469, fd, path, got, 24, flags)
if set_at(b"f", b"user.z", b"1") == "ENOSYS":
    print("old kernel")
    raise SystemExit
here = os.open(".", os.O_PATH)
for name, got in (
    ("denied set", set_at(b".env", b"user.a", b"2")),
    ("denied by dirfd", set_at(b".env", b"user.a", b"2", here)),
    ("denied remove", remove_at(b".env", b"user.a")),
    ("allowed set", set_at(b"f", b"user.x", b"value")),
    ("allowed by fd", set_at(b"", b"user.y", b"by fd", os.open("f", os.O_RDONLY), 0x1000)),
    ("grown, zero", set_at(b"f", b"user.g", b"g", extra=b"\0" * 16)),
    ("grown, not zero", set_at(b"f", b"user.h", b"h", extra=b"\1" + b"\0" * 15)),
    ("link itself", set_at(b"l", b"user.l", b"l", flags=0x100)),
    ("bad flags", set_at(b"f", b"user.l", b"l", flags=0x4)),
    ("allowed remove", remove_at(b"f", b"user.z")),
    ("missing", remove_at(b"f", b"user.none")),
    ("attr denied", set_attr(b".env")),
    ("attr", set_attr(b"f")),
): print(name, "=", got)
print(os.getxattr("f", "user.x"), os.getxattr("f", "user.y"), os.listxattr("f"))
PY
traced python3 at.py
if grep -q 'old kernel' "$T/out"; then
	[ "$(getfattr --only-values -n user.a "$WS/.env" 2>/dev/null)" = 1 ] || fail "changed"
	skip "the kernel has no setxattrat"
fi
for w in 'denied set = EACCES' 'denied by dirfd = EACCES' 'denied remove = EACCES' \
	'allowed set = 0' 'allowed by fd = 0' 'grown, zero = 0' \
	'grown, not zero = E2BIG' 'bad flags = EINVAL' 'allowed remove = 0' \
	'missing = ENODATA' "b'value' b'by fd'"; do
	expect_out "$w"
done
expect_no_out "attr denied = 0"
expect_no_out user.h
expect_no_out user.z
python3 -c "import os; assert os.getxattr('$WS/.env', 'user.a') == b'1'" || fail "changed"
expect_event '.type == "file_xattr" and .effective_action == "blocked" and (.path | endswith("/.env")) and .fields.syscall == "setxattrat"'
exit 0
