# SPDX-License-Identifier: Apache-2.0
"""`davit plan` and `davit graph`: of files, and of the davit that runs."""

import json
import os
import shutil
import subprocess

import pytest
from davit_process import MAIN, Davit, binary

CONFIGURATION = f"""
app: shop
services:
  log: {{command: [tail, -f, /dev/null], env: {{TOKEN: sealed}}, readinessProbe: {{exec: {{command: ["true"]}}}}}}
  off: {{command: [x], enabled: "${{OFF:-false}}"}}
  shop: {{main: true, command: {MAIN}}}
"""


def client(*arguments, env=None):
    return subprocess.run([str(binary()), *arguments], capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL,
                          env={"PATH": os.environ["PATH"], "DAVIT_SOCKET": "/nowhere/davit.sock", "T": "/tmp",
                               "ASAN_OPTIONS": "detect_leaks=0", **(env or {})})


def test_the_plan_of_a_running_davit_is_that_of_its_files(tmp_path):
    with Davit(tmp_path, CONFIGURATION) as davit:
        davit.wait_phase("online")
        running = davit.ctl("plan")
        assert running.returncode == 0, running.stderr
        file = davit.directory / "davit.yaml"
        files = davit.ctl("plan", "-c", str(file))
        assert running.stdout.splitlines()[0] == "# of the running davit"
        assert files.stdout.splitlines()[0] == f"# of {file}"
        assert running.stdout.splitlines()[1:] == files.stdout.splitlines()[1:]
        assert 'enabled: "${OFF:-false}"' in running.stdout
        assert "sealed" not in running.stdout
        plan = json.loads(davit.ctl("plan", "-o", "json").stdout)
        assert plan["services"]["log"]["env"] == {"TOKEN": "***"}
        assert plan["services"]["shop"]["dependsOn"]["log"] == {"condition": "ready", "required": True}


def test_a_plan_can_be_used_as_a_configuration(tmp_path):
    first = tmp_path / "first.yaml"
    first.write_text(CONFIGURATION)
    plan = client("plan", "-c", str(first))
    assert plan.returncode == 0, plan.stderr
    second = tmp_path / "second.yaml"
    second.write_text(plan.stdout)
    assert client("plan", "-c", str(second)).stdout.splitlines()[1:] == plan.stdout.splitlines()[1:]
    assert client("check", str(second)).returncode == 0


def test_a_plan_that_is_too_much_for_one_file_says_so(tmp_path):
    for half in range(2):
        lines = [f"  s{half}-{index}: {{command: [sleep, '1000'], env: {{A: x}}}}" for index in range(350)]
        (tmp_path / f"{half}.yaml").write_text("services:\n" + "\n".join(lines) + "\n")
    plan = client("plan", "-c", str(tmp_path))
    assert plan.returncode == 0
    assert len(plan.stdout) > 256 * 1024
    assert ("davit plan: as one file this would be refused: larger than 256 KiB, the most a configuration file may have; "
            "keep the files it was made of") in plan.stderr.splitlines()
    assert "refused" not in client("plan", "-c", str(tmp_path), "-o", "json").stderr


def test_without_a_davit_the_files_are_shown(tmp_path):
    (tmp_path / "davit.yaml").write_text(CONFIGURATION)
    for command in ["plan", "graph"]:
        answer = client(command, env={"DAVIT_CONFIG": str(tmp_path)})
        assert answer.returncode == 0, answer.stderr
        assert "shop" in answer.stdout
        assert client(command, "--socket", "/nowhere/davit.sock").returncode == 3


def test_a_bad_configuration_has_no_plan(tmp_path):
    file = tmp_path / "davit.yaml"
    file.write_text("services: {a: {command: [x], dependsOn: [b]}, b: {command: [x], dependsOn: [a]}}\n")
    for command in ["plan", "graph"]:
        answer = client(command, "-c", str(file))
        assert answer.returncode == 1
        assert answer.stdout == ""
        assert "a → b → a" in answer.stderr
    file.write_text("services: {a: {command: [x], workingDir: '${NOT_SET}'}}\n")
    answer = client("plan", "-c", str(file))
    assert answer.returncode == 0
    assert "NOT_SET" in answer.stderr and 'workingDir: "${NOT_SET}"' in answer.stdout
    assert client("plan", "-o", "table").returncode == 2


def test_the_graph_of_a_running_davit_draws_by_the_locale(tmp_path):
    with Davit(tmp_path, CONFIGURATION) as davit:
        davit.wait_phase("online")
        typed = davit.ctl("graph", env={"LC_ALL": "C"}).stdout
        drawn = davit.ctl("graph", env={"LC_ALL": "C.UTF-8"}).stdout
        assert typed.isascii() and "  2 -- shop (main)  <- ready: log" in typed
        assert "  2 ── shop (main)  ◄─ ready: log" in drawn
        assert "disabled: off" in drawn
        assert davit.ctl("graph", "-o", "dot").stdout.startswith('digraph "shop" {\n')


@pytest.mark.skipif(shutil.which("dot") is None, reason="no graphviz")
def test_dot_draws_the_graph(tmp_path):
    file = tmp_path / "davit.yaml"
    file.write_text(CONFIGURATION)
    picture = subprocess.run(["dot", "-Tsvg"], input=client("graph", "-o", "dot", "-c", str(file)).stdout,
                             capture_output=True, text=True, timeout=60, check=True)
    assert picture.stdout.count("<g id=\"node") == 3
