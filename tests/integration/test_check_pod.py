# SPDX-License-Identifier: Apache-2.0
"""`davit check --pod` with real files: what does not agree with the manifest is told."""

import json
import re

import pytest
from test_check import check

CONFIGURATION = "terminationGracePeriodSeconds: 40\nservices: {web: {main: true, command: [sleep, '1']}}\n"
POD = """\
kind: Deployment
metadata: {name: shop}
spec:
  template:
    spec:
      terminationGracePeriodSeconds: 40
      containers:
        - name: shop
          lifecycle: {preStop: {exec: {command: [davit, prestop]}}}
          readinessProbe: {exec: {command: [davit, probe, ready]}}
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "davit.yaml").write_text(CONFIGURATION)
    (tmp_path / "pod.yaml").write_text(POD)
    return tmp_path


def test_what_agrees_is_ok(folder):
    done = check("davit.yaml", "--pod", "pod.yaml", cwd=folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok: 1 service, main is web (davit.yaml)\n", "")


def test_other_grace_periods_are_an_error_at_the_manifests_line(folder):
    (folder / "pod.yaml").write_text(POD.replace("Seconds: 40", "Seconds: 30"))
    done = check("davit.yaml", "--pod", "pod.yaml", cwd=folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == ("pod.yaml:6:38: spec.template.spec.terminationGracePeriodSeconds: is 30 here, and 40 in davit's "
                           "configuration: write the same number in both\n")


def test_warnings_alone_are_ok(folder):
    (folder / "pod.yaml").write_text(re.sub(".*readinessProbe.*\n", "", POD))
    done = check("davit.yaml", "--pod", "pod.yaml", cwd=folder)
    assert done.returncode == 0
    assert done.stderr.startswith("pod.yaml:8:11: warning: spec.template.spec.containers[0]: has no readinessProbe")


def test_a_manifest_comes_from_standard_input_as_json_too(folder):
    manifest = {"apiVersion": "v1", "kind": "List", "items": [{"kind": "Pod", "spec": {"containers": []}}]}
    done = check("davit.yaml", "--pod", "-", "-o", "json", cwd=folder, stdin=json.dumps(manifest))
    answer = json.loads(done.stdout)
    assert done.returncode == 1 and not answer["ok"]
    assert [(problem["file"], problem["path"]) for problem in answer["problems"]] == [("<stdin>", "items[0].spec")] * 2


def test_a_bad_configuration_is_told_before_it_is_compared(folder):
    (folder / "davit.yaml").write_text("services: {web: {comand: x}}\n")
    done = check("davit.yaml", "--pod", "pod.yaml", cwd=folder)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "pod.yaml: warning: not compared with a configuration that has errors"


def test_a_template_that_was_not_rendered_is_told_with_its_line(folder):
    (folder / "pod.yaml").write_text("kind: Pod\nspec:\n  {{- with .Values }}\n")
    done = check("davit.yaml", "--pod", "pod.yaml", cwd=folder)
    assert done.returncode == 1
    assert done.stderr.startswith("pod.yaml: looks like a template: ")
    assert "\npod.yaml:3:" in done.stderr
