#!/bin/bash
# SPDX-License-Identifier: MIT
# model.sh [COMMANDS [OPERATIONS [SEED]]] - random operations by two sessions at
# once, against a plain directory; then all of it is undone, command by command.
# Without arguments a short run for CI; 900 60 makes 108,000 operations.
POLICY_FILE=$(dirname "$0")/allow.yaml
CONFIG_EXTRA="sandbox: {fuse: {enabled: ${MODEL_FUSE:-true}}}"
. "$(dirname "$0")/../cases/lib/case.sh"
start_server
mkdir "$T/twin"
in_session grep -q fuse.agentsh /proc/self/mountinfo
[ "$STATUS" != 0 ] || export MODEL_MOUNT=1
python3 "$SRC/tests/suites/model.py" "$AGENTSH_BUILD/cli/agentsh" \
	"$AGENTSH_BUILD/tests/suites/model-ops" "$WS" "$T/twin" \
	"${1:-12}" "${2:-50}" ${3:+"$3"} || fail 'differs from the model'
