// SPDX-License-Identifier: MIT
// A page in headless Chromium, driven over the DevTools protocol on a pipe.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const STEP_MS = 50;
const PATIENCE_MS = 60000;
const ANSWER_MS = 20000;

export const browser = process.env.CHROMIUM || PLACES.find((p) => existsSync(p));

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// url opened; evaluate(expression) runs in it, until(expression) waits for a
// true value, close() ends it all. A browser that ends by itself is an error of
// what waits for it; one that ends as it starts is started again.
export async function openPage(url) {
  for (let tries = 1; ; tries++) {
    try {
      return await open(url);
    } catch (e) {
      if (tries === 5) throw e;
    }
  }
}

async function open(url) {
  const profile = mkdtempSync(join(tmpdir(), "agentsh-chromium."));
  const child = spawn(browser, [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--no-proxy-server",
    "--disable-background-networking", "--disable-dev-shm-usage",
    "--remote-debugging-pipe", `--user-data-dir=${profile}`, "about:blank",
  ], { stdio: ["ignore", "ignore", "pipe", "pipe", "pipe"] });
  const [, , errors, to, from] = child.stdio;
  const waiting = new Map();
  let id = 0, rest = "", log = "", ended = false;
  errors.on("data", (chunk) => { log = (log + chunk).slice(-2000); });
  to.on("error", () => {}); // "exit" tells
  const exited = new Promise((resolve) => {
    child.on("exit", (code, signal) => {
      ended = true;
      for (const [, answer] of waiting) {
        answer({ error: { message: `the browser ended (${code ?? signal}): ${log}` } });
      }
      waiting.clear();
      resolve();
    });
  });
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
    if (ended) return reject(new Error(`the browser has ended: ${log}`));
    // what was sent while the page was exchanged may get no answer
    setTimeout(reject, ANSWER_MS, new Error(`no answer to ${method}`)).unref();
    waiting.set(id, (m) => (m.error ? reject(new Error(m.error.message)) : resolve(m.result)));
    to.write(JSON.stringify({ id, method, params, sessionId }) + "\0");
  });
  const close = async () => {
    child.kill("SIGKILL");
    await exited;
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  const attach = async () => {
    const { targetId } = await send("Target.createTarget", { url });
    return send("Target.attachToTarget", { targetId, flatten: true });
  };
  const { sessionId } = await attach().catch(async (e) => {
    await close();
    throw e;
  });
  const evaluate = async (expression) => {
    const r = await send("Runtime.evaluate",
      { expression, returnByValue: true, awaitPromise: true }, sessionId);
    if (r.exceptionDetails) throw new Error(r.exceptionDetails.exception?.description);
    return r.result.value;
  };
  const until = async (expression) => {
    for (let ms = 0; ms < PATIENCE_MS; ms += STEP_MS) {
      const value = await evaluate(expression).catch((e) => {
        if (ended) throw e;
      });
      if (value) return value;
      await sleep(STEP_MS);
    }
    throw new Error(`never true: ${expression}\n${await evaluate("document.body.innerText")}`);
  };
  return { evaluate, until, close };
}
