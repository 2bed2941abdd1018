#!/bin/bash
# SPDX-License-Identifier: MIT
# The fifth part of bypass.sh: data in names that the proxy is asked for, names
# that lead to closed addresses, what servers take for a request, hellos, SOCKS,
# queries, every option and flag of a socket, odd addresses, and races.
export POLICY_MORE='  - name: exact
    domains: ["0123456789abcdef0123456789abcdef.exact.test"]
    decision: allow'
export RULES="net-floor-dns-data net-floor-malformed net-floor-server-name
	net-floor-client-hello net-floor-special-address net-floor-metadata default-deny-network"
[[ " ${UNCLOSED:-} " == *" names "* ]] || RULES="$RULES net-floor-dns-type"
ATTEMPTS=bypass_deep.py exec bash "$(dirname "$0")/bypass.sh"
