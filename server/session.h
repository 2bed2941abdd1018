/* SPDX-License-Identifier: MIT */
/*
 * session.h - a workspace under a policy, and what runs in it
 */
#ifndef SERVER_SESSION_H
#define SERVER_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/json.h"
#include "base/vec.h"
#include "core/proto.h"
#include "policy/policy.h"
#include "server/app.h"

#define SESSION_ID_MAX      128
#define SESSION_MAX_ENV     1024
#define SESSION_MAX_HISTORY 1000
#define SESSION_MAX_SUBS    64

struct session_var {
	char *name, *value; /* owned */
};

/* A directory with a policy of its own, by the session's profile. */
struct session_mount {
	char *path;         /* owned; links resolved */
	const char *policy; /* its name; the settings' */
};

struct subscriber {
	struct session *session;
	struct http_conn *conn; /* borrowed until its gone callback */
	struct subscriber *next;
};

enum worker_state {
	WORKER_NONE = 0, /* not started, or died */
	WORKER_STARTING, /* waiting for READY */
	WORKER_READY,
};

struct http_conn;

struct session {
	struct app *app; /* borrowed */
	struct session *next, **link;
	char id[SESSION_ID_MAX + 1];
	int64_t created_ns;
	uint64_t created_mono, last_used_mono;
	char *workspace, *policy_name; /* owned */
	char *profile; /* owned; NULL = none: no mounts either */
	VEC(struct session_mount) mounts;
	char *cwd, *virtual_root;             /* owned; labels, see 2.3 */
	char *home, *project_root, *git_root; /* owned; may be "" */
	VEC(struct session_var) env;
	VEC(char *) history;
	struct policy *policy; /* owned reference */
	int policy_fd;         /* owned: the sealed image for workers */
	uint8_t policy_digest[SHA256_LEN]; /* of its file */
	bool floor_is_old;                 /* the tracer's, after a reload */
	uint32_t generation;
	struct policy_limits limits;
	struct worker *tracer; /* NULL unless STARTING or READY */
	enum worker_state tracer_state;
	struct worker *vfs; /* NULL unless STARTING or mounted */
	enum worker_state vfs_state;
	int attribution;        /* owned: core/attribution.h; -1 = none */
	unsigned int home_made; /* directories, see home.c */
	/* who made it and is answered when its proxy is there; NULL */
	struct http_conn *creator;
	int mount_ns;          /* owned: where the FUSE mount is; -1 = none */
	int mount_root;        /* owned: its "/", O_PATH; -1 */
	char *workspace_mount; /* owned: where the host sees it; NULL */
	bool wanted;           /* a command came: nothing is put off */
	int mount_user_ns;     /* owned: whose it is, unless ours; -1 */
	struct worker *proxy;  /* NULL unless STARTING or READY */
	enum worker_state proxy_state;
	uint16_t proxy_port;  /* 0 = there is none */
	uint16_t dns_port;    /* of the proxy's DNS stub; 0 = there is none */
	struct buf proxy_url; /* "http://127.0.0.1:PORT" */
	/* owned: where commands run, when the proxy captures what they send;
	 * -1 = there is none, or no user namespace around it */
	int net_ns, user_ns;
	bool net_datagrams;      /* UDP is led out of it as rules say */
	char *net_ns_error;      /* owned: why there is none though wanted */
	struct clients *clients; /* owned: whose ports the proxy sees */
	struct {
		bool on;        /* the proxy serves language models */
		char *phantoms; /* owned JSON: for the environment */
		int64_t requests, redacted; /* what went through it */
		int64_t input, output;      /* tokens */
	} llm;
	bool protection_recorded, weakness_told;
	struct buf unmet;    /* a sandbox.require that does not hold here */
	struct buf weakness; /* names of layers that are not active */
	bool exec_enforced;  /* the tracer judges every execve */
	struct buf layers;   /* JSON array of what holds, from READY */
	struct command *commands; /* list of what runs */
	unsigned int n_commands;
	unsigned int n_starting; /* sent to the tracer, no SPAWNED yet */
	struct subscriber *subs;
	unsigned int n_subs;
	uint32_t next_request;
	bool state_dirty; /* state.c has to write it down */
};

struct session_request {
	struct str id, workspace, policy, profile, home, project_root;
	bool restored;       /* by state.c: no session_created, no worker yet */
	uint32_t generation; /* of its policy, when restored */
	bool has_detect, detect_project_root;
	bool has_real_paths, real_paths;
};

/*
 * 0 and *ret, or -errno with the HTTP status and text for the client in
 * ret_status and err.
 */
int session_create(struct app *app, const struct session_request *rq,
		   struct session **ret, unsigned int *ret_status,
		   struct buf *err);
/* Ends commands, streams and workers; records `event` (NULL: none). */
void session_destroy(struct session *s, const char *event,
		     const char *expired_by);
struct session *session_find(struct app *app, struct str id);
struct command *session_command(struct session *s, struct str id);
bool session_id_valid(struct str id);
void session_touch(struct session *s);
/* The Session object of 2.3. */
void session_to_json(const struct session *s, struct json_writer *w);
/* Sends one event to everybody who listens. */
void session_publish(struct session *s, struct str event_json);
/* Makes c an event stream of this session. */
int session_subscribe(struct session *s, struct http_conn *c);
/* 0, -E2BIG (too many), -EINVAL (bad name), -ENOMEM. */
int session_env_set(struct session *s, struct str name, struct str value);
void session_env_unset(struct session *s, struct str name);
/*
 * The real directory of a label (or of a path relative to the session's cwd);
 * it must exist and lie beneath the workspace after resolving links.
 * -EXDEV: outside. ret_label may be NULL.
 */
int session_resolve_dir(const struct session *s, struct str label,
			struct buf *ret_real, struct buf *ret_label);
/* The same without the demand that it be a directory or exist. */
int session_real_path(const struct session *s, struct str label,
		      struct buf *ret_real);
int session_set_cwd(struct session *s, struct str label);
/* Starts the tracer if there is none, once the proxy's port is known. 0 or
 * -errno. */
int session_need_tracer(struct session *s);
/* Starts the workspace's FUSE mount if it is configured and there is none. */
int session_need_vfs(struct session *s);
void session_stop_vfs(struct session *s);
/* Passes on the tracer's PROTO_EXITED of a command. */
void session_tell_vfs_exited(struct session *s, struct str body);
void session_drain_vfs(struct session *s);
/* Starts the network proxy if it is configured and there is none. */
int session_need_proxy(struct session *s);
/* Directory with the CA of the session's proxy, appended; 0 or -errno. */
int session_trust_dir(const struct session *s, struct buf *out);
void session_remove_trust(const struct session *s);
/* Goes on with the commands that waited for a worker. */
void session_proceed_all(struct session *s);
/* Records what the proxy has seen so far. */
void session_drain_proxy(struct session *s);
/* Closes the proxy's ports to other sessions' commands, or opens them. */
void session_close_ports(const struct session *s, bool closed);
/* Timers: expiry of sessions. */
void sessions_expire(struct app *app);

/*
 * Answers who made the session, if that waits: `proxy_url` is in the answer.
 * Called when its mount and its proxy are there, or will not be.
 */
void session_announce(struct session *s);

#endif
