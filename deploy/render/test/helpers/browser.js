// SPDX-License-Identifier: MIT
// A page in headless Chromium, driven over the DevTools protocol on a pipe.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const STEP_MS = 50;
const PATIENCE_MS = 60000;

export const browser = process.env.CHROMIUM || PLACES.find((p) => existsSync(p));

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// url opened; evaluate(expression) runs in it, until(expression) waits for a
// true value, close() ends it all.
export async function openPage(url) {
  const profile = mkdtempSync(join(tmpdir(), "agentsh-chromium."));
  const child = spawn(browser, [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--no-proxy-server",
    "--disable-background-networking", "--disable-dev-shm-usage",
    "--remote-debugging-pipe", `--user-data-dir=${profile}`, "about:blank",
  ], { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
  const [, , , to, from] = child.stdio;
  const waiting = new Map();
  let id = 0, rest = "";
  from.on("data", (chunk) => {
    const parts = (rest + chunk).split("\0");
    rest = parts.pop();
    for (const text of parts) {
      const message = JSON.parse(text);
      waiting.get(message.id)?.(message);
      waiting.delete(message.id);
    }
  });
  const send = (method, params = {}, sessionId) => new Promise((resolve, reject) => {
    id += 1;
    waiting.set(id, (m) => (m.error ? reject(new Error(m.error.message)) : resolve(m.result)));
    to.write(JSON.stringify({ id, method, params, sessionId }) + "\0");
  });
  const close = async () => {
    child.kill("SIGKILL");
    await new Promise((resolve) => child.on("exit", resolve));
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  const { targetId } = await send("Target.createTarget", { url });
  const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
  const evaluate = async (expression) => {
    const r = await send("Runtime.evaluate",
      { expression, returnByValue: true, awaitPromise: true }, sessionId);
    if (r.exceptionDetails) throw new Error(r.exceptionDetails.exception?.description);
    return r.result.value;
  };
  const until = async (expression) => {
    for (let ms = 0; ms < PATIENCE_MS; ms += STEP_MS) {
      const value = await evaluate(expression);
      if (value) return value;
      await sleep(STEP_MS);
    }
    throw new Error(`never true: ${expression}\n${await evaluate("document.body.innerText")}`);
  };
  return { evaluate, until, close };
}
