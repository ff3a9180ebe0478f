#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Metrics as Prometheus sees them: what a service exports is clean for promtool, the alert rules are valid and fire when
they should, and rules and dashboard speak only of metrics that there are.

    metrics.py [BUILD]

Without BUILD no service is started.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import project

PAGE = "docs/metrics.md"
RULES = "config/prometheus/alerts.yml"
RULES_TEST = "tests/prometheus/alerts_test.yml"
DASHBOARD = "config/grafana/caisson.json"
ROW = re.compile(r"^\| `([a-z_]+)` \| (?:counter|gauge|histogram) \|", re.MULTILINE)
NAME = re.compile(r"\b(?:caisson|process)_[a-z_]+\b")
PART = re.compile(r"_(?:bucket|sum|count)$")
PATIENCE_S = 30


def unknown(known, path, text):
    """The metrics that a text speaks of and that there are not."""
    names = {PART.sub("", name) if PART.sub("", name) in known else name for name in NAME.findall(text)}
    return [f"{path}: there is no metric {name}" for name in sorted(names - known)]


def expressions(dashboard):
    """What the panels and variables of a dashboard ask for."""
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    return asked + [entry["query"]["query"] for entry in dashboard["templating"]["list"] if isinstance(entry["query"], dict)]


def check(root):
    """What can be checked without a service."""
    known = set(ROW.findall(project.read(root, PAGE)))
    rules = "\n".join(line for line in project.read(root, RULES).splitlines() if "expr" in line or "rate(" in line)
    findings = [] if known else [f"{PAGE}: no metric was found; does scripts/checks/metrics.py still fit it?"]
    findings += unknown(known, RULES, rules)
    findings += unknown(known, DASHBOARD, "\n".join(expressions(json.loads(project.read(root, DASHBOARD)))))
    return findings


def tool(*command, text=None):
    """Runs a tool; its complaint is a finding."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    return [] if done.returncode == 0 else [f"{' '.join(map(str, command))} says:\n{done.stdout}{done.stderr}"]


def exported(build):
    """What a service exports that has run some calls, some of them badly; once by its socket, once over HTTP."""
    with tempfile.TemporaryDirectory(prefix="caisson-metrics-") as scratch:
        folder = pathlib.Path(scratch)
        caisson = [f"{build}/bin/caisson", "--socket", str(folder / "caisson.sock")]
        (folder / "caisson.toml").write_text(
            f'[service]\nsocket = "caisson.sock"\nstate_dir = "state"\ndiscover = false\n[log]\nfile = "log"\n'
            f'[pool.math]\nplugin = "{build}/plugins/libmath.so"\nworkers = 2\n'
            f'[pool.chaos]\nplugin = "{build}/chaos/libchaos.so"\nworkers = 1\n', encoding="utf-8")

        def run(*words):
            return subprocess.run([*caisson, *words], capture_output=True, text=True, check=False, timeout=PATIENCE_S)

        with subprocess.Popen([caisson[0], "serve", "-c", folder / "caisson.toml"]) as service:
            try:
                deadline = time.monotonic() + PATIENCE_S
                while '"starting"' in run("status", "--json").stdout or run("call", "math.square", "7").returncode != 0:
                    if time.monotonic() > deadline or service.poll() is not None:
                        sys.exit("the service does not start")
                    time.sleep(0.05)
                for target in ("chaos.segv", "chaos.fail", "math.nonsense", "nowhere.square"):
                    run("call", target)
                by_socket = run("metrics").stdout
                over_http = subprocess.run(
                    ["curl", "--silent", "--unix-socket", folder / "caisson.http.sock", "http://localhost/metrics"],
                    capture_output=True, text=True, check=False, timeout=PATIENCE_S).stdout
            finally:
                service.terminate()
                service.wait(PATIENCE_S)
    return by_socket, over_http


def main():
    root = pathlib.Path().resolve()
    findings = check(root)
    findings += tool("promtool", "check", "rules", RULES) + tool("promtool", "test", "rules", RULES_TEST)
    if len(sys.argv) > 1:
        for text in exported(pathlib.Path(sys.argv[1]).resolve()):
            findings += tool("promtool", "check", "metrics", text=text) if text else ["there are no metrics"]
    sys.exit(project.report(findings))


if __name__ == "__main__":
    main()
