#!/bin/bash
# SPDX-License-Identifier: MIT
# The README's walk-through, as quickstart.sh runs it after the build.
: "${AGENTSH_BUILD:?run through meson test, or set AGENTSH_BUILD to a build tree}"
src=$(cd "$(dirname "$0")/../../.." && pwd)
unset AGENTSH_SERVER AGENTSH_CONFIG AGENTSH_SESSION_ID AGENTSH_NO_AUTO
out=$(${AGENTSH_JAIL:+$AGENTSH_JAIL --} bash "$src/scripts/demo.sh" "$AGENTSH_BUILD" 2>&1) || {
	echo "$out"
	exit 1
}
case $out in
*"everything is back, byte for byte"*"all as it should be"*) exit 0 ;;
esac
echo "$out"
echo "FAIL: the demo did not show undo"
exit 1
