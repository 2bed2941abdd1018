// SPDX-License-Identifier: MIT
// The service under test: TEST_URL, or one started here on a free port with an
// agentsh server, a policy and a workspace of its own. No Docker.
import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../..");
const remote = process.env.TEST_URL?.replace(/\/$/, "");
const agentsh = process.env.AGENTSH_BIN || "agentsh";

const freePort = () =>
  new Promise((resolve) => {
    const s = createServer().listen(0, "127.0.0.1", () => {
      const { port } = s.address();
      s.close(() => resolve(port));
    });
  });

async function until(url, child, name) {
  for (let i = 0; i < 1200; i++) {
    if (child.exitCode !== null) throw new Error(`${name} ended: ${child.log}`);
    try {
      if ((await fetch(url)).ok) return;
    } catch { /* not yet */ }
    await new Promise((r) => setTimeout(r, 50));
  }
  throw new Error(`${name}: no answer`);
}

function start(command, args, env) {
  const child = spawn(command, args, {
    env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"],
  });
  child.log = "";
  for (const s of [child.stdout, child.stderr]) {
    s.on("data", (d) => { child.log = (child.log + d).slice(-4000); });
  }
  return child;
}

const end = (child) =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.on("exit", resolve);
    child.kill("SIGTERM");
    setTimeout(() => child.kill("SIGKILL"), 5000).unref();
  });

// config.yaml and default.yaml as they are, but for places and ports.
function configure(dir, port) {
  const workspace = join(dir, "workspace");
  for (const d of [workspace, join(dir, "policies"), join(dir, "run")]) {
    mkdirSync(d, { mode: 0o700 });
  }
  const adapt = (text) => text
    .replaceAll("/etc/agentsh/policies", join(dir, "policies"))
    .replaceAll("/var/lib/agentsh/", `${dir}/`)
    .replaceAll("/usr/lib/agentsh/bash_startup.sh", join(dir, "bash_startup.sh"))
    .replaceAll("127.0.0.1:18080", `127.0.0.1:${port}`)
    .replace(/\/workspace(?=[,\]/"])/g, workspace);
  copyFileSync(join(root, "../../data/bash_startup.sh"), join(dir, "bash_startup.sh"));
  writeFileSync(join(dir, "config.yaml"), adapt(readFileSync(join(root, "config.yaml"), "utf8")));
  writeFileSync(join(dir, "policies/default.yaml"),
    adapt(readFileSync(join(root, "default.yaml"), "utf8")));
  return workspace;
}

export async function startService(extra = {}) {
  if (remote) {
    return { url: remote, workspace: "/workspace", remote: true, stop: async () => {} };
  }
  const dir = mkdtempSync(join(tmpdir(), "agentsh-render."));
  const [serverPort, port] = [await freePort(), await freePort()];
  const workspace = configure(dir, serverPort);
  const env = {
    AGENTSH_SERVER: `http://127.0.0.1:${serverPort}`,
    AGENTSH_RUNTIME_DIR: join(dir, "run"),
    PATH: "/usr/local/bin:/usr/bin:/bin", // what a policy's commands may read
    WORKSPACE: workspace,
    PORT: String(port),
    DEMO_RATE_LIMIT: "1000",
    EXECUTE_RATE_LIMIT: "1000",
    API_KEY: "",
    ...extra,
  };
  const children = [start(agentsh, ["server", "--config", join(dir, "config.yaml")], env)];
  const stop = async () => {
    for (const c of children.reverse()) await end(c);
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await until(`${env.AGENTSH_SERVER}/health`, children[0], "agentsh server");
    children.push(start(process.execPath, [join(root, "src/index.js")], env));
    await until(`http://127.0.0.1:${port}/health`, children[1], "service");
  } catch (e) {
    await stop();
    throw e;
  }
  return { url: `http://127.0.0.1:${port}`, workspace, remote: false, serverPort, stop };
}

export async function getJson(service, path, init) {
  const res = await fetch(service.url + path, init);
  return { status: res.status, headers: res.headers, body: await res.json() };
}

export const demo = async (service, name) => (await getJson(service, `/demo/${name}`)).body;

export const execute = (service, command, headers = {}) =>
  getJson(service, "/execute", {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ command }),
  });

export function find(body, text) {
  const r = body.results.find((x) => x.command.includes(text));
  if (!r) throw new Error(`no command with ${text}`);
  return r;
}
