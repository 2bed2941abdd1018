# SPDX-License-Identifier: MIT
# lib.sh - sourced after case.sh: fake language model services, and a session
# whose proxy knows them.

for tool in python3 openssl curl jq; do
	command -v "$tool" >/dev/null || skip "$tool is not installed"
done

LLM=$T/llm
FAKE_PID=

llm_cleanup() {
	local status=$?
	[ -z "$FAKE_PID" ] || kill "$FAKE_PID" 2>/dev/null
	return "$status" # what case_cleanup is to see
}
trap 'llm_cleanup; case_cleanup' EXIT

start_fake() {
	mkdir -p "$LLM"
	python3 "$SRC/tests/cases/llm/fake.py" "$LLM" >"$T/fake.log" 2>&1 </dev/null &
	FAKE_PID=$!
	there() {
		[ -s "$LLM/port" ] && [ -s "$LLM/badport" ] && return
		kill -0 "$FAKE_PID" 2>/dev/null || fail "$(tail -3 "$T/fake.log")"
		return 1
	}
	eventually there || fail "the services do not start"
	FAKE=https://127.0.0.1:$(cat "$LLM/port")
	BAD=https://127.0.0.1:$(cat "$LLM/badport")
	touch "$LLM/seen"
}

# llm_config [LINES]: proxy and dlp sections, with more lines for proxy
llm_config() {
	CONFIG_EXTRA="proxy:
  mode: embedded
  ca_file: $LLM/ca.pem
${1:-}
  providers:
    anthropic: $FAKE
    openai: $FAKE
    mine: $FAKE/base
    bad: $BAD
${2:-}"
	export AGENTSH_SESSIONS_DIR=$T/data/sessions
}

# secrets are put together here, so that no scanner finds them in this file
fake_aws() { printf 'AKIA%s' "Q4ZT7WNRXK2PLMV3"; }
fake_github() { printf 'ghp%s' "_a8Kq2ZxV7mN4bR9tYw3LpHs6DcJf1Ug0QeTi"; }

# forget: what was seen until now
forget() { : >"$LLM/seen"; }
# seen JQ: of the last request, its body decoded in .text
seen() {
	tail -1 "$LLM/seen" | jq -r '. + {text: (.body | @base64d)} | '"$1"
}
# kill_proxy PID: and wait until the server knows
kill_proxy() {
	kill -9 "$1"
	gone() { ! kill -0 "$1" 2>/dev/null; }
	eventually gone "$1" || fail "the proxy does not end"
}
# in_agent SCRIPT: as a command of the session, by sh
in_agent() { in_session sh -c "$1"; }
