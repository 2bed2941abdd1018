# SPDX-License-Identifier: MIT
# bash_startup.sh - read by non-interactive bash through BASH_ENV
# (sandbox.env_inject, agentsh-config(5))
#
# `kill` and `ulimit` as builtins do their work without a program that a rule
# could name. Switched off, `kill 1` runs /bin/kill, which command rules judge.
# `enable` goes last, so that the others cannot be switched on again; `builtin`
# and `command` do not reach a builtin that is off, so they stay, and with them
# the `command -v` of every script.
#
# It makes rules reach further; it is no wall. What a command does is judged in
# the kernel, whatever its shell was told.
enable -n kill ulimit enable
