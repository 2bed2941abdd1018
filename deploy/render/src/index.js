// SPDX-License-Identifier: MIT
// A web service that shows what agentsh lets commands do. Every command runs
// through `agentsh exec`; nothing of a request reaches a shell of ours.
import { timingSafeEqual, createHash } from "node:crypto";
import os from "node:os";
import { fileURLToPath } from "node:url";
import express from "express";
import { rateLimit } from "express-rate-limit";
import { audit, run, runAll, status } from "./governed.js";
import { demos, notes } from "./demos.js";

const PORT = Number(process.env.PORT || 10000);
const API_KEY = process.env.API_KEY || "";
const MAX_COMMAND = 1024;
const DEMO_LIMIT = Number(process.env.DEMO_RATE_LIMIT || 30);
const EXECUTE_LIMIT = Number(process.env.EXECUTE_RATE_LIMIT || 10);

const app = express();
app.set("trust proxy", 1); // Render's own; the client's address is behind it
app.disable("x-powered-by");
app.use(express.json({ limit: "16kb" }));

const perMinute = (limit) =>
  rateLimit({
    windowMs: 60_000,
    limit,
    standardHeaders: "draft-7",
    legacyHeaders: false,
    message: { error: "too many requests, try again in a minute" },
  });

const digest = (text) => createHash("sha256").update(String(text)).digest();

function requireKey(req, res, next) {
  if (!API_KEY) return next();
  const given = req.get("x-api-key") || req.query.api_key || "";
  if (timingSafeEqual(digest(given), digest(API_KEY))) return next();
  return res.status(401).json({ error: "missing or wrong API key" });
}

const handle = (fn) => (req, res, next) => fn(req, res).catch(next);

app.get("/health", (req, res) => res.json({ status: "ok" }));

app.use("/demo", perMinute(DEMO_LIMIT));

app.get("/demo/status", handle(async (req, res) => {
  const { version, detect, at } = await status();
  res.json({
    demo: "status",
    version: version.stdout.trim(),
    kernel: os.release(),
    uptime: Math.round(process.uptime()),
    checkedAt: new Date(at).toISOString(),
    authRequired: Boolean(API_KEY),
    results: [
      version,
      detect,
      { command: "uname -r", success: true, exitCode: 0, stdout: os.release() },
    ],
  });
}));

app.get("/demo/audit", handle(async (req, res) => {
  const limit = Math.min(Math.max(Number(req.query.limit) || 50, 1), 200);
  res.json({ demo: "audit", events: await audit(limit) });
}));

for (const [name, commands] of Object.entries(demos)) {
  app.get(`/demo/${name}`, handle(async (req, res) => {
    const results = await runAll(commands);
    res.json({
      demo: name,
      ...(notes[name] && { note: notes[name] }),
      total: results.length,
      blocked: results.filter((r) => r.blocked).length,
      results,
    });
  }));
}

app.post("/execute", perMinute(EXECUTE_LIMIT), requireKey, handle(async (req, res) => {
  const command = req.body?.command;
  if (typeof command !== "string" || command.trim() === "") {
    return res.status(400).json({ error: "command is required" });
  }
  if (command.length > MAX_COMMAND) {
    return res.status(400).json({
      error: `command is longer than ${MAX_COMMAND} characters`,
    });
  }
  if (command.includes("\0")) {
    return res.status(400).json({ error: "command must not contain NUL" });
  }
  return res.json(await run(command));
}));

app.use(express.static(fileURLToPath(new URL("../public", import.meta.url))));
app.use((req, res) => res.status(404).json({ error: "no such page" }));
// eslint-disable-next-line no-unused-vars
app.use((error, req, res, next) => {
  const status = error.status || 500;
  if (status >= 500) console.error(error);
  res.status(status).json({
    error: status >= 500 ? "internal error" : error.message,
  });
});

const server = app.listen(PORT, "0.0.0.0", () => {
  console.log(`listening on port ${server.address().port}`);
  status().catch(() => {}); // for the first visitor
});
for (const signal of ["SIGTERM", "SIGINT"]) {
  process.on(signal, () => server.close(() => process.exit(0)));
}
