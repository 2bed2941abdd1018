# SPDX-License-Identifier: MIT
# A session's life over HTTP, and every way it is refused.
. "$(dirname "$0")/lib.sh"
start_server

new_session s
expect_json '.id == "s" and .state == "ready" and .cwd == "/workspace"'
expect_json '.workspace == "'"$WS"'" and .policy == "default"'
api POST /api/v1/sessions "{\"id\":\"s\",\"workspace\":\"$WS\"}"
expect_code 409
expect_json '.error == "session already exists"'
api POST /api/v1/sessions "{\"id\":\"-x\",\"workspace\":\"$WS\"}"
expect_code 400
expect_json '.error == "invalid session id"'
api POST /api/v1/sessions '{}'
expect_json '.error == "workspace is required"'
api POST /api/v1/sessions '{"workspace":"/nonexistent"}'
expect_json '.error | startswith("workspace stat:")'
api POST /api/v1/sessions '{"workspace":"/etc/hostname"}'
expect_json '.error == "workspace must be a directory"'
api POST /api/v1/sessions "{\"workspace\":\"$WS\",\"policy\":\"nope\"}"
expect_code 400
expect_json '.error | startswith("resolve policy: policy \"nope\" not found")'
api POST /api/v1/sessions "{\"workspace\":\"$WS\",\"policy\":\"../x\"}"
expect_code 400
api POST /api/v1/sessions '{bad'
expect_code 400
expect_json '.error == "invalid json"'

mkdir "$WS/sub"
ln -s /etc "$WS/out"
api PATCH /api/v1/sessions/s '{"cwd":"/workspace/sub","env":{"GOOD_A":"1"}}'
expect_code 200
expect_json '.cwd == "/workspace/sub"'
api PATCH /api/v1/sessions/s '{"cwd":"/etc"}'
expect_code 400
expect_json '.error == "cwd must be under /workspace"'
api PATCH /api/v1/sessions/s '{"cwd":"/workspace/out"}'
expect_code 400

api GET /api/v1/sessions
expect_json 'length == 1'
api GET '/api/v1/sessions/s/history?type=session_created'
expect_json 'length == 1 and .[0].fields.workspace == "'"$WS"'"'
api DELETE /api/v1/sessions/s
expect_code 204
api GET /api/v1/sessions/s
expect_code 404
expect_json '.error == "session not found"'
api GET '/api/v1/events/search?session_id=s&type=session_destroyed'
expect_json 'length == 1'
api GET /no/such/path
expect_code 404
api PUT /api/v1/sessions
expect_code 405

# idle sessions end by themselves
kill "$SERVER_PID"
wait "$SERVER_PID"
sed -i 's|^sessions:|sessions:\n  default_idle_timeout: 1s\n  cleanup_interval: 200ms|' "$T/config.yaml"
start_server
new_session idle
expired() {
	api GET /api/v1/sessions/idle
	[ "$CODE" = 404 ]
}
wait_for expired
api GET '/api/v1/events/search?session_id=idle&type=session_expired'
expect_json 'length == 1 and .[0].fields.expired_by == "idle_timeout"'
