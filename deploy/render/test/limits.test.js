// SPDX-License-Identifier: MIT
// Rate limits and the API key; on a service of its own, never a live one.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { execute, getJson, startService } from "./helpers/service.js";

describe("limits", { skip: Boolean(process.env.TEST_URL) && "not on a live service" }, () => {
  let service;
  before(async () => {
    service = await startService({
      API_KEY: "sesame", DEMO_RATE_LIMIT: "3", EXECUTE_RATE_LIMIT: "5",
    });
  });
  after(async () => { await service?.stop(); });

  it("wants the key", async () => {
    assert.equal((await execute(service, "true")).status, 401);
    assert.equal((await execute(service, "true", { "x-api-key": "wrong" })).status, 401);
  });
  it("takes it as header or parameter", async () => {
    assert.equal((await execute(service, "true", { "x-api-key": "sesame" })).status, 200);
    const r = await getJson(service, "/execute?api_key=sesame", {
      method: "POST", headers: { "content-type": "application/json" },
      body: JSON.stringify({ command: "env | grep -c sesame" }),
    });
    assert.equal(r.status, 200);
    assert.equal(r.body.stdout.trim(), "0"); // and does not hand it to commands
  });
  it("limits /execute", async () => {
    const seen = [];
    for (let i = 0; i < 4; i++) seen.push((await execute(service, "true")).status);
    assert.ok(seen.includes(429), seen.join());
  });
  it("limits /demo", async () => {
    const seen = [];
    for (let i = 0; i < 5; i++) seen.push((await getJson(service, "/demo/allowed")).status);
    assert.deepEqual(seen, [200, 200, 200, 429, 429]);
  });
  it("does not limit /health", async () => {
    for (let i = 0; i < 40; i++) assert.equal((await getJson(service, "/health")).status, 200);
  });
});
