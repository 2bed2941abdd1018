// SPDX-License-Identifier: MIT
// The service's own behaviour, and the twelve kinds of what agentsh does in it.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { demo, execute, find, getJson, startService } from "./helpers/service.js";

let service;
before(async () => { service = await startService(); });
after(async () => { await service?.stop(); });

const blocked = (r) => assert.ok(r.blocked && !r.success,
  `not blocked: ${r.command}\n${r.stdout}\n${r.stderr}`);
const allowed = (r) => assert.ok(r.success && !r.blocked && r.exitCode === 0,
  `not allowed: ${r.command}: exit ${r.exitCode}\n${r.stdout}\n${r.stderr}`);
const page = (name) => {
  let body;
  before(async () => { body = await demo(service, name); });
  return (text) => find(body, text);
};

describe("installation", () => {
  it("answers the health check", async () => {
    assert.deepEqual(await getJson(service, "/health").then((r) => [r.status, r.body.status]),
      [200, "ok"]);
  });
  it("has the shim", { skip: process.env.TEST_URL ? false : "no container" }, async () => {
    allowed((await execute(service, "test -x /usr/bin/agentsh-shell-shim")).body);
  });
});

describe("status", () => {
  let status;
  before(async () => { status = await demo(service, "status"); });
  it("names the version", () => assert.match(status.version, /^agentsh \d/));
  it("names the kernel", () => assert.match(status.kernel, /^\d+\./));
  it("has detect's score", () =>
    assert.match(status.results[1].stdout, /Protection Score: *\d+\/100/i));
  for (const layer of ["landlock", "seccomp"]) {
    it(`has ${layer}`, () => assert.match(status.results[1].stdout, new RegExp(layer, "i")));
  }
  // The aim is 200 ms (STATUS_MS=200, on a machine that is still); whoever shares the
  // processors with us must not decide about this.
  it("answers in time, 99 of 100", async () => {
    const took = [];
    for (let i = 0; i < (service.remote ? 5 : 100); i++) {
      const start = performance.now();
      await demo(service, "status");
      took.push(performance.now() - start);
    }
    took.sort((a, b) => a - b);
    const p99 = took[Math.ceil(took.length * 0.99) - 1];
    console.log(`# status: median ${took[took.length >> 1].toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`);
    const limit = Number(process.env.STATUS_MS || 10000);
    assert.ok(p99 < limit, `p99 ${p99} ms`);
  });
});

describe("allowed commands", () => {
  const the = page("allowed");
  for (const c of ["whoami", "ls", "echo"]) it(c, () => allowed(the(c)));
  it("pwd is the workspace", () => {
    allowed(the("pwd"));
    assert.match(the("pwd").stdout, /workspace/);
  });
});

for (const [title, name, texts] of [
  ["blocked commands", "blocked", ["nc -h", "nmap", "169.254.169.254"]],
  ["command blocking", "commands",
    ["sudo", "su -c", "ssh", "scp", "nc -h", "nmap", "mount", "pkill"]],
  ["privilege escalation", "privilege-escalation",
    ["sudo", "su -", "/etc/shadow", "/etc/sudoers", "chroot", "nsenter"]],
  ["cloud metadata", "cloud-metadata",
    ["latest/meta-data", "metadata.google", "api-version", "metadata/v1",
      "100.100.100.200", "opc/v2"]],
  ["SSRF", "ssrf",
    ["10.0.0.1/", "10.255", "172.16", "172.31", "192.168.0", "192.168.1", "169.254.1.1",
      "ffff:10"]],
  ["network filtering", "network",
    ["evil.com", "10.0.0.1", "172.16", "192.168.1", "169.254"]],
]) {
  describe(title, () => {
    const the = page(name);
    for (const text of texts) it(`${text} is blocked`, () => blocked(the(text)));
  });
}

describe("command blocking leaves the rest alone", () => {
  const the = page("commands");
  it("echo", () => allowed(the("echo allowed")));
  it("names the rule", () => assert.equal(the("sudo").rule, "block-privilege-escalation"));
});

describe("SSRF protection leaves the public internet alone", () => {
  const the = page("ssrf");
  it("https is not blocked", () => assert.equal(the("example.com").blocked, false));
});

describe("filesystem", () => {
  const the = page("filesystem");
  it("writes in the workspace", () => allowed(the("> ")));
  it("reads a system file", () => allowed(the("cat /etc/hostname")));
  for (const text of ["/etc/test.txt", "/usr/bin/test", "mkdir /etc", "hostname.bak"]) {
    it(`${text} is blocked`, () => blocked(the(text)));
  }
  it("a symbolic link does not lead out", () => {
    const r = the("ln -s /etc/shadow");
    blocked(r);
    assert.doesNotMatch(r.stdout, /root:/);
  });
});

describe("DLP", () => {
  let body;
  before(async () => { body = await demo(service, "dlp"); });
  it("commands with secrets run", () => body.results.forEach(allowed));
  it("its output comes without them", () => {
    for (const result of body.results)
      assert.match(result.stdout, /\[REDACTED:/);
    assert.doesNotMatch(find(body, "AKIA").stdout, /AKIA/);
  });
  it("says where redaction happens", () => assert.match(body.note, /what commands print/));
});

describe("devtools", () => {
  let body;
  before(async () => { body = await demo(service, "devtools"); });
  it("run, where they are installed", () => {
    for (const r of body.results) {
      if (r.exitCode !== 127) allowed(r);
    }
    allowed(find(body, "grep"));
  });
});

describe("/execute", () => {
  it("runs a command", async () => {
    const { body } = await execute(service, "echo $((6 * 7))");
    allowed(body);
    assert.equal(body.stdout, "42\n");
  });
  it("keeps a command's exit status", async () =>
    assert.equal((await execute(service, "exit 7")).body.exitCode, 7));
  it("blocks", async () => blocked((await execute(service, "sudo id")).body));
  it("is one argument, not a shell of ours", async () => {
    const { body } = await execute(service, "echo '$(id)'; echo \"; id\"");
    assert.equal(body.stdout, "$(id)\n; id\n");
  });
  for (const [what, command] of [["nothing", ""], ["blanks", "   "], ["no text", 5],
    ["1025 characters", "x".repeat(1025)]]) {
    it(`refuses ${what}`, async () =>
      assert.equal((await execute(service, command)).status, 400));
  }
  it("takes 1024 characters", async () =>
    assert.equal((await execute(service, `true #${"x".repeat(1018)}`)).status, 200));
  it("refuses a body that is no JSON", async () => {
    const r = await getJson(service, "/execute", {
      method: "POST", headers: { "content-type": "application/json" }, body: "{",
    });
    assert.equal(r.status, 400);
  });
});

describe("the page", () => {
  it("is plain HTML", async () => {
    const res = await fetch(`${service.url}/`);
    assert.equal(res.status, 200);
    assert.match(await res.text(), /<title>agentsh on Render/);
  });
  it("shows the record", async () => {
    await execute(service, "sudo id");
    const { events } = await demo(service, "audit?limit=100");
    assert.ok(events.some((e) => e.decision === "deny" && /block-privilege/.test(e.rule)),
      JSON.stringify(events.slice(0, 5)));
  });
  it("has nothing else", async () =>
    assert.equal((await getJson(service, "/nosuch")).status, 404));
});
