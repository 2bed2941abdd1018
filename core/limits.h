/* SPDX-License-Identifier: MIT */
/*
 * limits.h - every cap on untrusted input, in one list
 */
#ifndef CORE_LIMITS_H
#define CORE_LIMITS_H

/* human-written files */
#define LIMIT_POLICY_BYTES (4U << 20)
#define LIMIT_CONFIG_BYTES (1U << 20)
#define LIMIT_YAML_DEPTH   64
#define LIMIT_YAML_NODES   400000
#define LIMIT_RULES        65536

/* HTTP API */
#define LIMIT_HTTP_HEAD      65536
#define LIMIT_HTTP_HEADERS   128
#define LIMIT_HTTP_CLIENTS   1024
#define LIMIT_OUTPUT_CAPTURE (1U << 20) /* per stream, in responses and DB */
#define LIMIT_SSE_BACKLOG    (4U << 20) /* per subscriber, bytes */

/* what a sandboxed process hands us */
#define LIMIT_PATH          4096
#define LIMIT_FULL_PATH     (3 * LIMIT_PATH) /* a directory and a path below it */
#define LIMIT_ARGC          1000  /* seccomp.execve.max_argc default */
#define LIMIT_ARGV_BYTES    65536 /* seccomp.execve.max_argv_bytes default */
#define LIMIT_SHEBANG_DEPTH 5
#define LIMIT_SOCKADDR      128

/* sessions */
#define LIMIT_SESSIONS  100
#define LIMIT_APPROVALS 10 /* pending, per session */

#endif
