#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A secret that a model's answer hands out in pieces, over many events.
. "$(dirname "$0")/../lib/case.sh"
. "$(dirname "$0")/lib.sh"

start_fake
touch "$LLM/tools"
llm_config "  scrub_responses: true"
start_server
cp "$SRC/tests/cases/llm/deltas.py" "$WS/"

# say TEXT STEP: the text in pieces of so many letters
say() {
	jq -cn --arg t "$1" --argjson n "$2" \
		'[range(0; $t | length; $n) as $i | $t[$i:$i + $n]]' >"$LLM/words"
}
# line OF: what the client of a dialect made of it
line() { jq -e --arg of "$1" 'select(.of == $of)' "$T/out"; }

# whole: nothing changes, and no event more or less
printf '["Hel","lo ","wor","ld and \\u00e4 \\"q\\""]' >"$LLM/words"
in_session python3 deltas.py
expect_status 0
for of in anthropic chat responses; do
	[ "$(line $of | jq -r .text)" = 'Hello world and ä "q"' ] || fail "$of changed"
done
[ "$(line anthropic | jq -r .signed)" = 'I think.c2lnbmF0dXJl' ] || fail "what is signed"

for n in 2 9 200; do
	say "It is $(fake_aws), and $(fake_github) too." $n
	in_session python3 deltas.py
	expect_status 0
	expect_no_out "$(fake_aws)"
	expect_no_out "$(fake_github)"
	for of in anthropic chat responses; do
		for what in text tool; do
			line $of | jq -r ".$what" |
				grep -Eq 'It is \[REDACTED:[a-z_]+\], and \[REDACTED:[a-z_]+\] too\.' ||
				fail "$of $what in pieces of $n: $(line $of)"
		done
	done
	line anthropic | jq -e '.tool | fromjson | .command' >/dev/null ||
		fail "the arguments are no JSON"
done

# at the very end: what was held comes before the block ends
for text in "is $(fake_aws)" "ends in sk-ant-ap"; do
	say "$text" 3
	in_session python3 deltas.py
	expect_status 0
	expect_no_out "$(fake_aws)"
	for of in anthropic chat responses; do
		case $text in
		ends*) [ "$(line $of | jq -r .text)" = "$text" ] || fail "$of lost the end" ;;
		*) line $of | jq -r .text | grep -q '^is \[REDACTED' || fail "$of: the end" ;;
		esac
	done
done
