#!/bin/bash
# SPDX-License-Identifier: MIT
# chaos.sh [SEED [SEEDS [COMMANDS [STEPS]]]] - random destruction by real tools,
# many at once, undone by random plans, byte for byte (chaos.py). A short run for
# CI; by hand as many seeds as there is time for. CHAOS_USER=65534: as that user.
. "$(dirname "$0")/lib.sh"
POLICY_FILE=$SRC/tests/suites/allow.yaml
start_server
python3 "$SRC/tests/cases/undo/chaos.py" "$AGENTSH_BUILD/cli/agentsh" \
	"${CHAOS_DIR:-$T/chaos}" "${1:-1}" "${2:-3}" "${3:-3}" "${4:-5}" || fail 'not as it was'
