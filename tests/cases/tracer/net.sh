# SPDX-License-Identifier: MIT
# net.sh - addresses judged on the copy, unix sockets on the object
. "$(dirname "$0")/lib.sh"

traced python3 -c '
import socket, os, array, threading
def attempt(what, f):
    try: f(); print(what, "ok")
    except OSError as e: print(what, e.errno)
def tcp(addr, family=socket.AF_INET):
    s = socket.socket(family); s.settimeout(2); s.connect(addr)
attempt("metadata", lambda: tcp(("169.254.169.254", 80)))
attempt("mapped", lambda: tcp(("::ffff:169.254.169.254", 80, 0, 3), socket.AF_INET6))
attempt("far", lambda: tcp(("192.0.2.1", 80)))
attempt("port9", lambda: tcp(("127.0.0.1", 9)))
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
attempt("udp", lambda: u.sendto(b"x", ("192.0.2.1", 53)))
attempt("udpmsg", lambda: u.sendmsg([b"x"], [], 0, ("192.0.2.1", 53)))
srv = socket.socket(); srv.bind(("127.0.0.1", 0)); srv.listen(5)
c = socket.socket(); attempt("loop", lambda: c.connect(srv.getsockname()))
a, _ = srv.accept(); c.sendmsg([b"he", b"llo"]); print(a.recv(9))
l = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); l.bind(("127.0.0.1", 0))
attempt("udploop", lambda: u.sendto(b"hello", l.getsockname())); print(l.recv(9))
s = socket.socket(socket.AF_UNIX); s.bind("sock"); s.listen(2)
k = socket.socket(socket.AF_UNIX); attempt("unix", lambda: k.connect("sock"))
p, _ = s.accept()
r, w = os.pipe()
socket.send_fds(k, [b"fds"], [w])
m, fds, _, _ = socket.recv_fds(p, 9, 4); os.write(fds[0], b"through"); print(m, os.read(r, 9))
d = socket.socket(socket.AF_UNIX); d.bind("docker.sock"); d.listen(1)
attempt("docker", lambda: socket.socket(socket.AF_UNIX).connect("docker.sock"))
os.symlink("docker.sock", "harmless")
attempt("linked", lambda: socket.socket(socket.AF_UNIX).connect("harmless"))
'
expect_status 0
for what in metadata mapped far port9 udp udpmsg docker linked; do
	expect_out "$what 13"
done
for what in 'loop ok' 'udploop ok' 'unix ok' through "b'hello'"; do
	expect_out "$what"
done
expect_event '.type == "net_connect" and .remote == "169.254.169.254:80" and .effective_action == "blocked" and .policy.rule == "deny-metadata"'
expect_event '.type == "net_connect" and .remote == "192.0.2.1:53" and .effective_action == "blocked"'
expect_event '.type == "unix_socket_op" and (.path | endswith("docker.sock")) and .effective_action == "blocked"'
