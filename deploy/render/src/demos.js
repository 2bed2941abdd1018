// SPDX-License-Identifier: MIT
// The commands behind each /demo page.
import { WORKSPACE } from "./governed.js";

const curl = (url) => `curl -s --max-time 3 ${url}`;

export const demos = {
  allowed: [
    ["whoami", "who the command runs as"],
    ["pwd", "where it runs"],
    [`ls ${WORKSPACE}`, "list the workspace"],
    ['echo "hello world"', "print"],
  ],
  blocked: [
    ["nc -h", "network tool"],
    ["nmap --version", "port scanner"],
    [curl("http://169.254.169.254/latest/meta-data/"), "cloud metadata"],
  ],
  commands: [
    ["sudo whoami", "privilege escalation"],
    ["su -c whoami", "another user"],
    ["ssh -V", "remote shell"],
    ["scp --help", "remote copy"],
    ["nc -h", "network tool"],
    ["nmap --version", "port scanner"],
    ["mount /dev/sda1 /mnt", "mount a disk"],
    ["pkill -9 bash", "kill processes"],
    ["echo allowed", "and an ordinary one"],
  ],
  "privilege-escalation": [
    ["sudo whoami", "sudo"],
    ["su - root -c whoami", "su"],
    ["cat /etc/shadow", "read password hashes"],
    ["echo test >> /etc/sudoers", "become a sudoer"],
    ["chroot / /bin/bash -c whoami", "chroot"],
    ["nsenter -t 1 -m -u -i -n -p -- /bin/bash", "enter the host's namespaces"],
  ],
  filesystem: [
    [
      `echo test > ${WORKSPACE}/test.txt && cat ${WORKSPACE}/test.txt`,
      "write and read in the workspace",
    ],
    ["cat /etc/hostname", "read a harmless system file"],
    ["echo test > /etc/test.txt", "write to /etc"],
    ["echo test > /usr/bin/test", "replace a program"],
    ["mkdir /etc/testdir", "make a directory in /etc"],
    ["cp /etc/hostname /etc/hostname.bak", "copy into /etc"],
    [
      `rm -f ${WORKSPACE}/link; ln -s /etc/shadow ${WORKSPACE}/link && ` +
        `cat ${WORKSPACE}/link`,
      "escape through a symbolic link",
    ],
    [`rm -f ${WORKSPACE}/test.txt ${WORKSPACE}/link`, "clean up"],
  ],
  "cloud-metadata": [
    [curl("http://169.254.169.254/latest/meta-data/"), "AWS"],
    [curl("http://metadata.google.internal/computeMetadata/v1/"), "GCP"],
    [curl("'http://169.254.169.254/metadata/instance?api-version=2021-02-01'"), "Azure"],
    [curl("http://169.254.169.254/metadata/v1/"), "DigitalOcean"],
    [curl("http://100.100.100.200/latest/meta-data/"), "Alibaba"],
    [curl("http://169.254.169.254/opc/v2/instance/"), "Oracle"],
  ],
  ssrf: [
    [curl("http://10.0.0.1/"), "10.0.0.0/8"],
    [curl("http://10.255.255.1/"), "10.0.0.0/8, its end"],
    [curl("http://172.16.0.1/"), "172.16.0.0/12"],
    [curl("http://172.31.0.1/"), "172.16.0.0/12, its end"],
    [curl("http://192.168.0.1/"), "192.168.0.0/16"],
    [curl("http://192.168.1.1/"), "a home router"],
    [curl("http://169.254.1.1/"), "link-local"],
    [curl("http://[::ffff:10.0.0.1]/"), "a private address in IPv6 clothes"],
    [curl("https://example.com/") + " | head -c 100", "the public internet"],
  ],
  dlp: [
    ['echo "OpenAI sk-abcdefghijklmnopqrstuvwx1234"', "an OpenAI key"],
    ['echo "AWS AKIAIOSFODNN7EXAMPLE"', "an AWS key id"],
    ['echo "mail user@example.com"', "an e-mail address"],
    ['echo "SSN 078-05-1120"', "a social security number"],
  ],
  devtools: [
    ["python3 --version", "Python"],
    ["node --version", "Node.js"],
    ["git --version", "git"],
    ["curl --version | head -1", "curl"],
    ["pip3 --version", "pip"],
    ["echo hello world | grep hello", "a pipe"],
  ],
  network: [
    [curl("http://evil.com/"), "a host on the block list"],
    [curl("http://10.0.0.1/"), "a private address"],
    [curl("http://172.16.0.1/"), "a private address"],
    [curl("http://192.168.1.1/"), "a private address"],
    [curl("http://169.254.169.254/"), "cloud metadata"],
  ],
};

export const notes = {
  dlp:
    "Secrets are redacted in what commands print, in traffic to language " +
    "models and in the audit log; the commands run as they are.",
};
