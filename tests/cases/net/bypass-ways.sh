#!/bin/bash
# SPDX-License-Identifier: MIT
# The fourth part of bypass.sh: source routes and devices of choice on the way to
# an allowed address, every family and protocol of sockets, upper halves of
# arguments, the kernel's own requests, unix sockets by other names, messages
# that change while they are judged, names and proxies inside tunnels.
export POLICY_MORE='unix_socket_rules:
  - {name: any-socket, paths: ["*", "/**"], decision: allow}'
ATTEMPTS=bypass_ways.py exec bash "$(dirname "$0")/bypass.sh"
