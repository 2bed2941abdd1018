/* SPDX-License-Identifier: MIT */
/*
 * proto.c - the messages on a worker's channel
 *
 * Members go over the wire in the order of the structs in proto.h. A decoder
 * reads everything, then asks wire_finish() once: a short, long or malformed
 * message gives -EBADMSG and *ret is not touched.
 */
#include "core/proto.h"

#include <errno.h>

#include "core/wire.h"

/* What follows the name, the flag and the detail of a layer at least takes. */
#define LAYER_MIN_BYTES 9

int proto_hello_encode(const struct proto_hello *m, struct buf *out)
{
	wire_put_str(out, m->session_id);
	wire_put_str(out, m->workspace);
	wire_put_str(out, m->settings_json);
	wire_put_u32(out, m->policy_generation);
	return out->error;
}

int proto_hello_decode(struct str body, struct proto_hello *ret)
{
	struct wire_reader r = wire_reader_init(body);
	struct proto_hello m = { 0 };
	int rc;

	m.session_id = wire_get_str(&r);
	m.workspace = wire_get_str(&r);
	m.settings_json = wire_get_str(&r);
	m.policy_generation = wire_get_u32(&r);
	rc = wire_finish(&r);
	if (rc == 0)
		*ret = m;
	return rc;
}

static void put_limits(struct buf *out, const struct proto_limits *l)
{
	wire_put_u64(out, l->memory_bytes);
	wire_put_u64(out, l->swap_bytes);
	wire_put_bool(out, l->swap_set);
	wire_put_u32(out, l->cpu_percent);
	wire_put_u32(out, l->pids);
	wire_put_u64(out, l->disk_read_bps);
	wire_put_u64(out, l->disk_write_bps);
}

static void get_limits(struct wire_reader *r, struct proto_limits *l)
{
	l->memory_bytes = wire_get_u64(r);
	l->swap_bytes = wire_get_u64(r);
	l->swap_set = wire_get_bool(r);
	l->cpu_percent = wire_get_u32(r);
	l->pids = wire_get_u32(r);
	l->disk_read_bps = wire_get_u64(r);
	l->disk_write_bps = wire_get_u64(r);
}

#define SPAWN_KNOWN                                             \
	((uint32_t)(SPAWN_TTY | SPAWN_CANARY | SPAWN_APPROVED | \
		    SPAWN_REDIRECTED))

int proto_spawn_encode(const struct proto_spawn *m, struct buf *out)
{
	wire_put_str(out, m->command_id);
	wire_put_strs(out, m->argv, m->argc);
	wire_put_str(out, m->file);
	wire_put_strs(out, m->env, m->n_env);
	wire_put_str(out, m->cwd);
	wire_put_u32(out, m->flags);
	wire_put_u64(out, m->timeout_ns);
	put_limits(out, &m->limits);
	return out->error;
}

int proto_spawn_decode(struct str body, struct arena *a,
		       struct proto_spawn *ret)
{
	struct wire_reader r = wire_reader_init(body);
	struct proto_spawn m = { 0 };
	int rc;

	m.command_id = wire_get_str(&r);
	m.argv = wire_get_strs(&r, a, &m.argc);
	m.file = wire_get_str(&r);
	m.env = wire_get_strs(&r, a, &m.n_env);
	m.cwd = wire_get_str(&r);
	m.flags = wire_get_u32(&r);
	m.timeout_ns = wire_get_u64(&r);
	get_limits(&r, &m.limits);
	rc = wire_finish(&r);
	/* A flag that this program does not know may be a restriction. */
	if (rc == 0 && (m.argc == 0 || (m.flags & ~SPAWN_KNOWN)))
		rc = -EBADMSG;
	if (rc == 0)
		*ret = m;
	return rc;
}

int proto_signal_encode(const struct proto_signal *m, struct buf *out)
{
	wire_put_str(out, m->command_id);
	wire_put_u32(out, (uint32_t)m->signo);
	return out->error;
}

int proto_signal_decode(struct str body, struct proto_signal *ret)
{
	struct wire_reader r = wire_reader_init(body);
	struct proto_signal m = { 0 };
	int rc;

	m.command_id = wire_get_str(&r);
	m.signo = (int32_t)wire_get_u32(&r);
	rc = wire_finish(&r);
	if (rc == 0)
		*ret = m;
	return rc;
}

static void put_layers(struct buf *out, const struct proto_layer *layers,
		       uint32_t n)
{
	wire_put_u32(out, n);
	for (uint32_t i = 0; i < n; i++) {
		wire_put_str(out, layers[i].name);
		wire_put_bool(out, layers[i].active);
		wire_put_str(out, layers[i].detail);
	}
}

static const struct proto_layer *get_layers(struct wire_reader *r,
					    struct arena *a, uint32_t *ret_n)
{
	uint32_t n = wire_get_count(r, LAYER_MIN_BYTES);
	struct proto_layer *layers;

	*ret_n = 0;
	if (n == 0)
		return NULL;
	layers = arena_alloc(a, n * sizeof(*layers));
	if (!layers) {
		r->error = -ENOMEM;
		return NULL;
	}
	for (uint32_t i = 0; i < n; i++) {
		layers[i].name = wire_get_str(r);
		layers[i].active = wire_get_bool(r);
		layers[i].detail = wire_get_str(r);
	}
	*ret_n = n;
	return layers;
}

int proto_ready_encode(const struct proto_ready *m, struct buf *out)
{
	put_layers(out, m->layers, m->n_layers);
	return out->error;
}

int proto_ready_decode(struct str body, struct arena *a,
		       struct proto_ready *ret)
{
	struct wire_reader r = wire_reader_init(body);
	struct proto_ready m = { 0 };
	int rc;

	m.layers = get_layers(&r, a, &m.n_layers);
	rc = wire_finish(&r);
	if (rc == 0)
		*ret = m;
	return rc;
}

int proto_spawned_encode(const struct proto_spawned *m, struct buf *out)
{
	wire_put_str(out, m->command_id);
	wire_put_u32(out, (uint32_t)m->pid);
	wire_put_u32(out, (uint32_t)m->error);
	wire_put_str(out, m->step);
	wire_put_str(out, m->path);
	put_layers(out, m->layers, m->n_layers);
	return out->error;
}

int proto_spawned_decode(struct str body, struct arena *a,
			 struct proto_spawned *ret)
{
	struct wire_reader r = wire_reader_init(body);
	struct proto_spawned m = { 0 };
	int rc;

	m.command_id = wire_get_str(&r);
	m.pid = (int32_t)wire_get_u32(&r);
	m.error = (int32_t)wire_get_u32(&r);
	m.step = wire_get_str(&r);
	m.path = wire_get_str(&r);
	m.layers = get_layers(&r, a, &m.n_layers);
	rc = wire_finish(&r);
	if (rc == 0 && m.pid < 0)
		rc = -EBADMSG;
	if (rc == 0)
		*ret = m;
	return rc;
}

int proto_exited_encode(const struct proto_exited *m, struct buf *out)
{
	wire_put_str(out, m->command_id);
	wire_put_u32(out, (uint32_t)m->wait_status);
	wire_put_bool(out, m->timed_out);
	wire_put_bool(out, m->oom_killed);
	wire_put_u32(out, m->leftovers_killed);
	wire_put_u64(out, m->cpu_user_us);
	wire_put_u64(out, m->cpu_system_us);
	wire_put_u64(out, m->memory_peak_kb);
	return out->error;
}

int proto_exited_decode(struct str body, struct proto_exited *ret)
{
	struct wire_reader r = wire_reader_init(body);
	struct proto_exited m = { 0 };
	int rc;

	m.command_id = wire_get_str(&r);
	m.wait_status = (int32_t)wire_get_u32(&r);
	m.timed_out = wire_get_bool(&r);
	m.oom_killed = wire_get_bool(&r);
	m.leftovers_killed = wire_get_u32(&r);
	m.cpu_user_us = wire_get_u64(&r);
	m.cpu_system_us = wire_get_u64(&r);
	m.memory_peak_kb = wire_get_u64(&r);
	rc = wire_finish(&r);
	if (rc == 0)
		*ret = m;
	return rc;
}

int proto_approval_ask_encode(const struct proto_approval_ask *m,
			      struct buf *out)
{
	wire_put_str(out, m->command_id);
	wire_put_str(out, m->kind);
	wire_put_str(out, m->target);
	wire_put_str(out, m->rule);
	wire_put_str(out, m->message);
	wire_put_u64(out, m->timeout_ns);
	return out->error;
}

int proto_approval_ask_decode(struct str body, struct proto_approval_ask *ret)
{
	struct wire_reader r = wire_reader_init(body);
	struct proto_approval_ask m = { 0 };
	int rc;

	m.command_id = wire_get_str(&r);
	m.kind = wire_get_str(&r);
	m.target = wire_get_str(&r);
	m.rule = wire_get_str(&r);
	m.message = wire_get_str(&r);
	m.timeout_ns = wire_get_u64(&r);
	rc = wire_finish(&r);
	if (rc == 0)
		*ret = m;
	return rc;
}

int proto_approval_encode(const struct proto_approval *m, struct buf *out)
{
	wire_put_bool(out, m->approved);
	wire_put_str(out, m->approval_id);
	wire_put_str(out, m->reason);
	return out->error;
}

int proto_approval_decode(struct str body, struct proto_approval *ret)
{
	struct wire_reader r = wire_reader_init(body);
	struct proto_approval m = { 0 };
	int rc;

	m.approved = wire_get_bool(&r);
	m.approval_id = wire_get_str(&r);
	m.reason = wire_get_str(&r);
	rc = wire_finish(&r);
	if (rc == 0)
		*ret = m;
	return rc;
}
