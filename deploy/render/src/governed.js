// SPDX-License-Identifier: MIT
// Running a command through agentsh, and reading the verdict from its output.
import { execFile } from "node:child_process";

const SESSION = process.env.AGENTSH_DEMO_SESSION || "demo";
export const WORKSPACE = process.env.WORKSPACE || "/workspace";
const AGENTSH = process.env.AGENTSH_BIN || "agentsh";
const TIMEOUT_MS = 30_000;
const MAX_OUTPUT = 1 << 20;

// What agentsh prints when a policy said no. "Permission denied" alone counts
// only for a command that failed: it may also be part of an answer.
const DENIED = ["command denied by policy", "blocked by policy", "BLOCKED:"];
const REFUSED = ["Permission denied", "Operation not permitted"];

export function isBlocked(exitCode, output) {
  const words = exitCode === 0 ? DENIED : [...DENIED, ...REFUSED];
  return words.some((w) => output.includes(w));
}

function call(args) {
  return new Promise((resolve) => {
    const started = Date.now();
    const child = execFile(
      AGENTSH,
      args,
      { timeout: TIMEOUT_MS, killSignal: "SIGKILL", maxBuffer: MAX_OUTPUT },
      (error, stdout, stderr) => {
        let exitCode = 0;
        if (error) exitCode = typeof error.code === "number" ? error.code : 1;
        resolve({
          exitCode,
          stdout,
          stderr: error?.killed ? `${stderr}\nno answer in 30 s` : stderr,
          durationMs: Date.now() - started,
        });
      },
    );
    child.stdin?.end();
  });
}

// `command` is one word of an argument vector: no shell of ours reads it.
export async function run(command, description) {
  const r = await call([
    "exec", `--root=${WORKSPACE}`, SESSION, "--", "/bin/bash", "-c", command,
  ]);
  const output = `${r.stdout}\n${r.stderr}`;
  const blocked = isBlocked(r.exitCode, output);
  const rule = /\(rule=([^)]+)\)/.exec(r.stderr)?.[1];
  return {
    command,
    description,
    success: r.exitCode === 0 && !blocked,
    blocked,
    ...(rule && { rule }),
    ...r,
  };
}

// In order: the commands of one page share a workspace.
export async function runAll(commands) {
  const results = [];
  for (const [command, description] of commands) {
    results.push(await run(command, description));
  }
  return results;
}

export async function direct(...args) {
  const r = await call(args);
  return { command: `agentsh ${args.join(" ")}`, success: r.exitCode === 0, ...r };
}

// The newest events of the session, small enough for a page.
export async function audit(limit) {
  const r = await call([
    "events", "query", "--session", SESSION, "--limit", String(limit),
  ]);
  if (r.exitCode !== 0) return [];
  return (JSON.parse(r.stdout) || []).map((e) => ({
    time: e.timestamp,
    type: e.type,
    operation: e.operation,
    target: e.path || e.domain || e.remote || e.filename || e.fields?.command,
    decision: e.policy?.effective_decision || e.policy?.decision,
    rule: e.policy?.rule,
  }));
}

// What agentsh says of the host. `detect` tries every layer in a throw-away
// session, which takes about 100 ms of CPU: it is done when the service starts
// and again, behind the scenes, when an answer is older than a minute. Nobody
// waits but the first visitor of a service that has just started.
const KEPT_MS = 60_000;
let known = null;
let asking = null;

function ask() {
  asking ??= Promise.all([direct("--version"), direct("detect")])
    .then(([version, detect]) => {
      known = { version, detect, at: Date.now() };
      return known;
    })
    .finally(() => { asking = null; });
  return asking;
}

export async function status() {
  if (!known || !known.detect.success) return ask();
  if (Date.now() - known.at > KEPT_MS) ask().catch(() => {});
  return known;
}
