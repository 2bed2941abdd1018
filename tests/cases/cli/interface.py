#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""interface.py AGENTSH URL WORKSPACE - the command line and the HTTP API, row by
row of the interface's tables: verbs with their flags, what is said and with which
status, routes with status, shape and errors.  The server's session `s` exists and
has run something.  Prints what differs; exits 1 if anything does."""
import json
import subprocess
import sys
import urllib.error
import urllib.request

AGENTSH, URL, WORKSPACE = sys.argv[1:4]
bad = []

# ---- verbs and flags (1.2 to 1.12)
FLAGS = {
    "": "server transport grpc-addr api-key client-timeout",
    "exec": "timeout json stream pty argv0 output events root no-detect-root "
            "project-root session-file real-paths",
    "server": "config",
    "session create": "workspace policy json real-paths",
    "session list": "", "session info": "", "session destroy": "",
    "session update": "cwd set-env unset-env", "session attach": "",
    "session logs": "type", "kill": "", "output": "stream offset limit",
    "events tail": "",
    "events query": "session type decision since until path-like domain-like "
                    "text-like limit offset order direct-db db-path",
    "approve list": "", "approve resolve": "allow deny reason",
    "debug stats": "json", "debug pending": "session json",
    "debug policy-test": "op path session json", "proxy status": "json",
    "report": "level output direct-db db-path sessions-dir",
    "wrap": "session policy root report",
    "trash list": "trash-path session",
    "trash restore": "trash-path dest force",
    "trash purge": "trash-path ttl quota session",
    "detect": "output", "detect config": "output",
    "shim install-shell": "shim root bash bash-only force dry-run output "
                          "i-understand-this-modifies-the-host",
    "shim uninstall-shell": "root bash dry-run output "
                            "i-understand-this-modifies-the-host",
    "shim status": "root shim bash output",
    "config show": "path", "config validate": "path",
    "policy": "config dir", "policy list": "", "policy show": "",
    "policy validate": "",
    "policy generate": "output name threshold include-blocked arg-patterns "
                       "direct-db db-path",
    "policy keygen": "output label", "policy sign": "key output signer",
    "policy verify": "key-dir",
    "audit verify": "config tolerate-unsigned tolerate-truncation from-sequence",
    "audit chain verify": "config", "audit chain status": "",
    "audit chain reset": "reason reason-code legacy-archive force",
    "backup": "output verify config", "restore": "input dry-run verify",
    "checkpoint create": "storage-dir session workspace reason",
    "checkpoint list": "storage-dir session json",
    "checkpoint show": "storage-dir session workspace diff json",
    "checkpoint rollback": "storage-dir session workspace dry-run",
    "checkpoint purge": "storage-dir session older-than keep",
    "completion": "", "help": "",
}


def run(*args, env=None):
    return subprocess.run([AGENTSH, *args], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, cwd=WORKSPACE)


def verbs(node, path=()):
    yield " ".join(path), {f["name"] for f in node.get("flags", [])}
    for sub in node.get("commands", []):
        yield from verbs(sub, (*path, sub["name"]))


listed = dict(verbs(json.loads(run("help", "--json").stdout)))
for verb, flags in FLAGS.items():
    if verb not in listed:
        bad.append(f"no verb: {verb}")
        continue
    above = verb.split()
    have = set().union(*(listed.get(" ".join(above[:i]), set())
                         for i in range(len(above) + 1)))
    for flag in flags.split():
        if flag not in have:
            # accepted although it is not shown?
            said = run(*verb.split(), f"--{flag}=x").stderr
            if "unknown flag" in said:
                bad.append(f"{verb}: no --{flag}")

# ---- what is said, where, and the status: arguments, status, stdout, stderr
HOST = "--i-understand-this-modifies-the-host"
SAID = [
    (["--version"], 0, "agentsh ", ""),
    ([], 0, "Commands:", ""),
    (["no-such-verb"], 1, "", 'unknown command "no-such-verb" for "agentsh"'),
    (["--no-such-flag"], 1, "", "unknown flag: --no-such-flag"),
    (["session", "info"], 1, "", "accepts 1 arg(s), received 0"),
    (["report", "latest"], 1, "", 'required flag(s) "level" not set'),
    (["exec"], 1, "", "session id is required (provide as argument or set "
                      "AGENTSH_SESSION_ID)"),
    (["exec", "s"], 1, "", "command is required"),
    (["exec", "--output", "x", "s", "--", "true"], 1, "",
     'invalid --output "x" (expected shell|json)'),
    (["exec", "--json", "{", "s"], 1, "", "invalid --json: "),
    (["exec", "s", "--", "nosuchprog"], 127, "", "agentsh: command failed"),
    (["exec", "s", "--", "sh", "-c", "exit 7"], 7, "", "agentsh: command failed"),
    (["exec", "--timeout", "300ms", "s", "--", "sleep", "9"], 124, "",
     "command timed out"),
    (["exec", "s", "--", "sudo", "id"], 126, "", "command denied by policy (rule="),
    (["exec", "s", "--", "bash", "-c", "cat /etc/shadow"], 1, "",
     "Permission denied"),
    (["session", "info", "none"], 1, "",
     'GET /api/v1/sessions/none: 404 Not Found: {"error":"session not found"}'),
    (["approve", "resolve", "x", "--allow", "--deny"], 1, "",
     "choose exactly one of --allow or --deny"),
    (["debug", "policy-test", "--op", "file_read", "--path", "/etc/shadow"], 0,
     "Decision:  DENY", ""),
    (["debug", "pending"], 0, "No pending approvals", ""),
    (["session", "logs", "s", "--type", "llm"], 0,
     "No LLM requests logged for this session", ""),
    (["trash", "list", "--trash-path", "/nowhere/.t"], 0, "trash empty", ""),
    (["trash", "restore", "1", "--trash-path", "/nowhere/.t"], 1, "",
     "open /nowhere/.t/manifest/1.json: no such file or directory"),
    (["trash", "purge", "--ttl", "x"], 1, "", "parse ttl: "),
    (["trash", "purge", "--quota", "x"], 1, "", "parse quota: "),
    (["detect", "--output", "x"], 1, "", "unknown output format: x"),
    (["shim", "install-shell"], 1, "", "--shim is required"),
    (["shim", "install-shell", "--shim", "/bin/true"], 1, "",
     'refusing to modify host rootfs ("/"); pass ' + HOST + " to continue"),
    (["shim", "install-shell", "--shim", "/bin/true", "--bash", "--bash-only",
      "--root", "."], 1, "", "--bash and --bash-only are mutually exclusive"),
    (["policy", "validate", "none", "--dir", "."], 1, "", 'none'),
    (["audit", "verify", "/nowhere/log"], 1, "",
     "missing audit log file /nowhere/log"),
    (["restore"], 1, "", 'required flag(s) "input" not set'),
    (["checkpoint", "list", "--session", "s"], 0, "No checkpoints found", ""),
    (["checkpoint", "show", "x", "--session", "s"], 1, "", "checkpoint"),
    (["--transport", "x", "session", "list"], 1, "", "transport"),
    (["--server", "ftp://x", "session", "list"], 1, "", "invalid server URL"),
    (["completion", "bash"], 0, "agentsh", ""),
    # what was meant, or what to do
    (["exec", "--tiemout", "5s", "s"], 1, "", 'did you mean "--timeout"?'),
    (["exec", "s"], 1, "", "agentsh: hint: usage: agentsh exec "),
    (["report"], 1, "", "agentsh: hint: usage: agentsh report "),
    (["report", "none", "--level", "summary"], 1, "",
     "session none has no events"),
    (["session", "info", "none"], 1, "", "hint: agentsh session list"),
    (["exec", "--root", "/nowhere", "new", "--", "true"], 1, "",
     'session "new" cannot be made: {"error":"workspace stat: /nowhere'),
    (["exec", "s", "--", "./plain"], 127, "", "make the file executable"),
    (["run", "--policy", "none", "--", "true"], 127, "",
     'policy "none" not found in '),
    (["explain", "/x", "--op", "fly"], 1, "", "(operations: exec, connect"),
    (["--server", "http://127.0.0.1:1", "session", "list"], 1, "",
     "no server runs there"),
]
with open(WORKSPACE + "/plain", "w", encoding="ascii") as plain:
    plain.write("no program\n")
for args, status, out, err in SAID:
    r = run(*args)
    if r.returncode != status or out not in r.stdout or err not in r.stderr:
        bad.append(f"agentsh {' '.join(args)}: status {r.returncode} (wanted "
                   f"{status}), stdout {r.stdout[:120]!r} (wanted {out!r}), "
                   f"stderr {r.stderr[:240]!r} (wanted {err!r})")
    if "\033[" in r.stdout + r.stderr:
        bad.append(f"agentsh {' '.join(args)}: colours beside a terminal")


# ---- routes (2.2): method, path, body, status, and members or text of the answer
def call(method, path, body=None):
    data = body if body is None or isinstance(body, bytes) \
        else json.dumps(body).encode()
    rq = urllib.request.Request(URL + path, data=data, method=method)
    try:
        with urllib.request.urlopen(rq, timeout=20) as r:
            return r.status, r.headers, r.read()
    except urllib.error.HTTPError as e:
        return e.code, e.headers, e.read()


done = json.loads(call("POST", "/api/v1/sessions/s/exec",
                       {"command": "echo", "args": ["hi"]})[2])
CMD = done["command_id"]
SESSION = {"id", "state", "created_at", "workspace", "policy", "cwd"}
RESPONSE = {"command_id", "session_id", "timestamp", "request", "result",
            "events"}
E = "/api/v1/sessions"
ROUTES = [
    ("GET", "/health", None, 200, b"ok\n"),
    ("GET", "/ready", None, 200, b"ready\n"),
    ("GET", "/metrics", None, 200, b"agentsh_up 1"),
    ("POST", E, {"id": "made", "workspace": WORKSPACE}, 201, SESSION),
    ("POST", E, {"id": "made", "workspace": WORKSPACE}, 409,
     "session already exists"),
    ("POST", E, {}, 400, "workspace is required"),
    ("POST", E, {"workspace": "/nowhere"}, 400, "workspace stat"),
    ("POST", E, {"workspace": "/etc/passwd"}, 400,
     "workspace must be a directory"),
    ("POST", E, {"workspace": WORKSPACE, "id": "a b"}, 400,
     "invalid session id"),
    ("POST", E, {"workspace": WORKSPACE, "policy": "none"}, 400,
     "resolve policy: policy"),
    ("POST", E, b"{", 400, "invalid json"),
    ("GET", E, None, 200, list),
    ("GET", E + "/made", None, 200, SESSION),
    ("GET", E + "/none", None, 404, "session not found"),
    ("PATCH", E + "/made", {"env": {"A": "b"}}, 200, SESSION),
    ("PATCH", E + "/made", {"cwd": "/etc"}, 400, "cwd must be under"),
    ("DELETE", E + "/made", None, 204, b""),
    ("DELETE", E + "/made", None, 404, "session not found"),
    ("POST", E + "/s/exec", {"command": "true"}, 200, RESPONSE),
    ("POST", E + "/s/exec", {"command": "sudo"}, 403,
     RESPONSE | {"guidance"}),
    ("POST", E + "/s/exec", {}, 400, "command is required"),
    ("POST", E + "/none/exec", {"command": "true"}, 404, "session not found"),
    ("POST", E + "/s/exec/stream", {"command": "echo", "args": ["hi"]}, 200,
     b"event: stdout\ndata: {"),
    ("POST", E + "/s/exec/stream", {"command": "sudo"}, 403, RESPONSE),
    ("POST", E + "/none/exec/stream", {"command": "true"}, 404,
     "session not found"),
    ("GET", E + "/s/pty", None, 400, "websocket upgrade required"),
    ("GET", E + "/none/events", None, 404, "session not found"),
    ("GET", E + "/s/history", None, 200, list),
    ("GET", E + "/none/history", None, 404, "session not found"),
    ("GET", E + "/s/proxy", None, 200,
     {"state", "address", "mode", "dlp_mode", "active_patterns",
      "total_requests", "requests_with_redactions", "total_input_tokens",
      "total_output_tokens"}),
    ("GET", E + f"/s/output/{CMD}?stream=stdout&offset=1&limit=1", None, 200,
     {"command_id", "data", "has_more", "limit", "offset", "stream",
      "total_bytes", "truncated"}),
    ("GET", E + "/s/output/none", None, 404, "output not found"),
    ("POST", E + "/s/kill/none", {}, 404, "command not running"),
    ("GET", "/api/v1/events/search?session_id=s&limit=2&order=asc", None, 200,
     list),
    ("GET", "/api/v1/approvals", None, 403, "approvals endpoints require auth"),
    ("GET", "/api/v1/policies", None, 403, "require auth"),
    ("POST", "/api/v1/policy/test",
     {"operation": "file_read", "path": "/etc/shadow"}, 200,
     {"decision", "policy_decision", "reason", "rule"}),
    ("POST", "/api/v1/policy/test", b"[", 400, "invalid json"),
    ("GET", "/no/such/route", None, 404, b"404 page not found"),
    ("PUT", E, {}, 405, b""),
]
for method, path, body, status, shape in ROUTES:
    code, headers, text = call(method, path, body)
    what = f"{method} {path} {body}"
    if code != status:
        bad.append(f"{what}: {code} (wanted {status}): {text[:200]!r}")
        continue
    if isinstance(shape, bytes):
        if shape not in text or (not shape and text):
            bad.append(f"{what}: {text[:200]!r} (wanted {shape!r})")
        continue
    if not headers["Content-Type"].startswith("application/json"):
        bad.append(f"{what}: type {headers['Content-Type']}")
    try:
        value = json.loads(text)
    except ValueError:
        bad.append(f"{what}: no JSON: {text[:200]!r}")
        continue
    if not text.endswith(b"\n"):
        bad.append(f"{what}: no newline at its end")
    if isinstance(shape, str):
        if shape not in value.get("error", ""):
            bad.append(f"{what}: {text[:200]!r} (wanted {shape!r})")
    elif shape is list:
        if not isinstance(value, list):
            bad.append(f"{what}: not a list: {text[:200]!r}")
    elif not shape <= set(value):
        bad.append(f"{what}: lacks {shape - set(value)}")

print("\n".join(bad) or f"{len(FLAGS)} verbs, {len(SAID)} sayings, "
      f"{len(ROUTES)} routes as the interface has them")
sys.exit(bool(bad))
