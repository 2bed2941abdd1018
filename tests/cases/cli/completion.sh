#!/bin/bash
# SPDX-License-Identifier: MIT
# completion.sh - the scripts are valid, and bash completes verbs and flags
. "$(dirname "$0")/../lib/case.sh"

for shell in bash zsh fish; do
	run agentsh completion $shell
	expect_status 0
	expect_out agentsh
	cp "$T/out" "$T/$shell"
done
bash -n "$T/bash" || fail "bash script has a syntax error"
if command -v zsh >/dev/null; then
	zsh -n "$T/zsh" || fail "zsh script has a syntax error"
fi
if command -v fish >/dev/null; then
	fish -n "$T/fish" || fail "fish script has a syntax error"
fi
run agentsh completion powershell
expect_status 1

# complete WORDS...: what bash would offer for the last one
complete_words() {
	COMP_WORDS=(agentsh "$@")
	COMP_CWORD=$#
	COMPREPLY=()
	_agentsh
	LAST="complete $*"
	printf '%s\n' "${COMPREPLY[@]}" >"$T/out"
}
complete() { :; }
. "$T/bash"
unset -f complete
complete_words ex
expect_out exec
complete_words session cr
expect_out create
complete_words session create --wo
expect_out --workspace
complete_words policy show --d
expect_out --dir
complete_words exec s -- --ti
expect_no_out --timeout
