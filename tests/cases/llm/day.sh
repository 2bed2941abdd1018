#!/bin/bash
# SPDX-License-Identifier: MIT
# A model that thinks for half a day between two events: the proxy of this case
# has every time-out a thousand times as short, so that 45 seconds are 12 hours.
# Streams of both services, with DLP on answers; nothing else passes meanwhile.
# Mounts of its own, where that can be: another program stands where the proxy is.
if [ -z "${AGENTSH_DAY_CASE:-}" ]; then
	export AGENTSH_DAY_CASE=1
	! unshare -m true 2>/dev/null || exec unshare -m "$BASH" "$0" "$@"
fi
. "$(dirname "$0")/../lib/case.sh"
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/../lib/other_netproxy.sh"
other_netproxy agentsh-netproxy-day
start_fake
mkdir -p "$T/ws"
llm_config "  scrub_responses: true"
start_server
cat >"$WS/day.py" <<'END_OF_PROGRAM'
import http.client, json, os, threading, time, urllib.parse
SILENCE = 45
done = {}
def begin(variable, path):
    """The answer and its first event; the hasty proxy may be too hasty."""
    url = urllib.parse.urlsplit(os.environ[variable])
    for _ in range(300):
        c = http.client.HTTPConnection(url.hostname, url.port, timeout=300)
        try:
            c.request("POST", url.path + path, json.dumps({"stream": True}),
                      {"x-api-key": "k", "Authorization": "Bearer k",
                       "Content-Type": "application/json", "x-fake": "slow"})
            answer = c.getresponse()
            data = b""
            while answer.status == 200 and not data.endswith(b"\n\n"):
                data += answer.readline() or b"cut\n\n"
            if answer.status == 200 and b"cut" not in data:
                return c, answer, data
        except (OSError, http.client.HTTPException):
            pass
        c.close()
        time.sleep(0.05)
    raise SystemExit("no beginning")
def stream(name, variable, path):
    c, answer, data = begin(variable, path)
    if ready.wait() == 0:
        time.sleep(SILENCE)
        with open("ack.new", "w") as f:
            f.write("99")
        os.rename("ack.new", "ack")
    data += answer.read()
    done[name] = data.count(b"data:")
jobs = [("anthropic", "ANTHROPIC_BASE_URL", "/v1/messages"),
        ("chat", "OPENAI_BASE_URL", "/chat/completions"),
        ("responses", "OPENAI_BASE_URL", "/responses")]
ready = threading.Barrier(len(jobs))
threads = [threading.Thread(target=stream, args=j) for j in jobs]
[t.start() for t in threads]
[t.join() for t in threads]
for name, events in sorted(done.items()):
    print(name, events)
END_OF_PROGRAM
in_agent 'python3 day.py'
# one more than were sent: the end of what was held back
expect_out 'anthropic 10'
expect_out 'chat 9'
expect_out 'responses 8'
