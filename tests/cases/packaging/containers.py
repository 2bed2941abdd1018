#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The files that container engines read: compose, devcontainer, Blueprint,
Dockerfiles. What they name must be there, and reach the engine past
.dockerignore. scripts/build-images.sh builds and runs the images for real."""

import fnmatch
import json
import sys
from pathlib import Path

import yaml

ROOT = Path(sys.argv[1])
LAPTOP = ROOT / "deploy/laptop"
IGNORED = [line for line in (ROOT / ".dockerignore").read_text().splitlines()
           if line and not line.startswith("#")]
# compose-spec's names for what a service and a file may have, as far as we use them
SERVICE = {"build", "image", "working_dir", "volumes", "command", "security_opt",
           "ports", "environment", "devices", "cap_add"}
bad = []


def want(condition, message):
    if not condition:
        bad.append(message)


def ignored(path):
    parts = Path(path).parts
    return any(fnmatch.fnmatch(parts[0], p) if "/" not in p else
               any(fnmatch.fnmatch(part, p.removeprefix("**/")) for part in parts)
               for p in IGNORED)


def compose():
    doc = yaml.safe_load((LAPTOP / "compose.yaml").read_text())
    want(set(doc) <= {"services", "volumes", "networks", "name"}, "compose: top")
    named = set(doc.get("volumes") or {})
    for name, service in doc["services"].items():
        want(set(service) <= SERVICE, f"compose: {name}: {set(service) - SERVICE}")
        context = LAPTOP / service["build"]["context"]
        dockerfile = service["build"].get("dockerfile", "Dockerfile")
        want((context / dockerfile).is_file(), f"compose: {name}: no {dockerfile}")
        for volume in service.get("volumes", []):
            source, target = volume.rsplit(":", 1)
            want(target.startswith("/"), f"compose: {name}: {volume}")
            want(source in named or source.startswith((".", "/", "$")),
                 f"compose: {name}: nobody declares the volume {source}")
        want("privileged" not in service, f"compose: {name}: privileged")


def devcontainer():
    path = LAPTOP / "devcontainer/devcontainer.json"
    doc = json.loads(path.read_text())
    for key in ("dockerfile", "context"):
        want((path.parent / doc["build"][key]).exists(), f"devcontainer: {key}")
    want(f"target={doc['workspaceFolder']}," in doc["workspaceMount"],
         "devcontainer: the folder is not what is mounted")
    want("--privileged" not in doc.get("runArgs", []), "devcontainer: privileged")


def blueprint():
    doc = yaml.safe_load((ROOT / "deploy/render/render.yaml").read_text())
    for service in doc["services"]:
        want((ROOT / service["dockerfilePath"]).is_file(), "render.yaml: Dockerfile")
        want((ROOT / service.get("dockerContext", ".")).is_dir(), "render.yaml: context")
        for var in service.get("envVars", []):
            want("KEY" not in var["key"] or "value" not in var,
                 f"render.yaml: {var['key']} has a value")


def steps(path):
    """(INSTRUCTION, words) of each, continued lines joined"""
    text = path.read_text().replace("\\\n", " ")
    for line in text.splitlines():
        words = line.split()
        if words and not line.startswith("#"):
            yield words[0], words[1:]


def dockerfile(path):
    stages, last = set(), []
    for instruction, words in steps(path):
        if instruction == "FROM":
            last = []
            stages |= {words[2]} if words[1:2] == ["AS"] else set()
        last.append(" ".join(words))
        if instruction != "COPY":
            continue
        flags = [w for w in words if w.startswith("--")]
        sources = [w for w in words if not w.startswith("--")][:-1]
        for flag in flags:
            want(flag.removeprefix("--from=") in stages, f"{path}: {flag}")
        for source in [] if flags else sources:
            want((ROOT / source).exists(), f"{path}: no {source}")
            want(source == "." or not ignored(source), f"{path}: {source} is ignored")
    want(last and not any(" gcc" in s or "deps.sh" in s for s in last),
         f"{path}: compilers in the last stage")


compose()
devcontainer()
blueprint()
for file in ("Dockerfile", "deploy/render/Dockerfile"):
    dockerfile(ROOT / file)
for made in ("build", "build-test", "build-deb", "kernels", ".git"):
    want(ignored(made), f".dockerignore lets {made} through")
for needed in ("scripts/build-images.sh", "packaging/build-deb.sh", "data/meson.build"):
    want(not ignored(needed), f".dockerignore keeps {needed} back")
print("\n".join(bad) or "all there")
sys.exit(bool(bad))
