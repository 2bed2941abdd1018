#!/bin/bash
# SPDX-License-Identifier: MIT
# The third part of bypass.sh: ports, what is said before or after a refusal,
# loopback in all spellings, group memberships, network settings, names as data.
ATTEMPTS=bypass_rest.py exec bash "$(dirname "$0")/bypass.sh"
