#!/bin/bash
# SPDX-License-Identifier: MIT
# The second half of bypass.sh: requests read in two ways, hosts inside tunnels,
# SOCKS, ClientHellos, the DNS, metadata services, bent sockets, the proxy
# itself, and the usual programs.
ATTEMPTS=bypass_more.py exec bash "$(dirname "$0")/bypass.sh"
