#!/bin/bash
# SPDX-License-Identifier: MIT
# home.sh - on a fresh account the directories of build tools can be filled, and
# those that nothing used are gone with the session
export HOME
HOME=$(mktemp -d "${TMPDIR:-/tmp}/agentsh-case.home.XXXXXX")
. "$(dirname "$0")/../lib/case.sh"
trap 'status=$?; rm -rf --one-file-system "$HOME"; (exit $status); case_cleanup' EXIT
# the policy allows all of /tmp, where this home is
sed 's#"/tmp/\*\*", ##' "$SRC/data/policies/default.yaml" >"$T/p.yaml"
POLICY_FILE=$T/p.yaml
start_server
run agentsh exec --root="$WS" s -- sh -c 'set -e
	mkdir -p ~/.npm/_cacache ~/.cargo/registry/index ~/go/pkg/mod
	for d in .npm/_cacache .cargo/registry/index go/pkg/mod; do
		echo x >~/$d/file; cat ~/$d/file
	done'
expect_status 0
in_session mkdir "$HOME/elsewhere"
[ "$STATUS" != 0 ] || fail "any directory can be made"
in_session sh -c 'echo x >~/.cargo/credentials'
[ "$STATUS" != 0 ] || fail "credentials can be written"
[ -d "$HOME/.gradle" ] || fail "not made: .gradle"
agentsh session destroy s >/dev/null
[ -s "$HOME/go/pkg/mod/file" ] || fail "what was in use is gone"
[ ! -e "$HOME/.gradle" ] || fail "what was empty is left"
