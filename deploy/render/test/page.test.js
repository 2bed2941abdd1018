// SPDX-License-Identifier: MIT
// The page at / in a real browser: status, a command's verdict, the record.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { browser, openPage } from "./helpers/browser.js";
import { startService } from "./helpers/service.js";

describe("the page", { skip: browser ? false : "no Chromium" }, () => {
  let service, page;
  before(async () => {
    service = await startService();
    page = await openPage(service.url + "/");
    await page.until("document.readyState === 'complete' && document.getElementById('status') !== null");
  });
  after(async () => {
    await page?.close();
    await service?.stop();
  });

  const run = async (command) => {
    await page.evaluate(`
      document.getElementById("command").value = ${JSON.stringify(command)};
      document.getElementById("form").requestSubmit();`);
    return page.until(`(() => {
      const code = document.querySelector("#results code");
      return code?.textContent === ${JSON.stringify(command)} &&
        document.getElementById("results").innerText;
    })()`);
  };

  it("shows the status", async () => {
    const text = await page.until(
      "/protection/.test(document.getElementById('status').innerText) && document.getElementById('status').innerText");
    assert.match(text, /^agentsh \d.*kernel \d.*protection \d+\/100/);
  });
  it("runs a command", async () => {
    assert.match(await run("echo $((6 * 7))"), /ran[\s\S]*exit 0[\s\S]*42/);
  });
  it("tells a denied one and its rule", async () => {
    assert.match(await run("sudo whoami"), /blocked[\s\S]*rule [a-z-]+/);
  });
  it("has it on record", async () => {
    await page.until(`[...document.querySelectorAll("#audit tr")]
      .some((row) => /deny/.test(row.innerText))`);
  });
  it("shows output as text, whatever is in it", async () => {
    await run("echo '<img src=x onerror=window.hit=1>'");
    assert.equal(await page.evaluate("document.querySelector('#results img') === null && !window.hit"), true);
  });
  it("runs a whole group", async () => {
    await page.evaluate(`[...document.querySelectorAll("#demos button")]
      .find((b) => b.textContent === "allowed").click()`);
    await page.until(`document.querySelectorAll("#results section").length >= 4 &&
      !/blocked/.test(document.getElementById("results").innerText)`);
  });
});
