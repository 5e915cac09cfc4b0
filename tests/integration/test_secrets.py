# SPDX-License-Identifier: Apache-2.0
"""What `${...}` gives, and what env and headers hold, is shown nowhere: a secret is planted wherever a configuration
takes a text, everything fails that can, and all that davit says is searched for it."""

import json
import os
import signal
import subprocess

from davit_process import DEADLINE, Davit, binary, eventually

SECRET = "hunter2-s3cr3t"
LITERAL = "plain-pa55word"  # written out in env and headers: not shown either

FAILING = f"""
app: shop
terminationGracePeriodSeconds: 30
services:
  bad-program: {{command: ["/opt/${{S}}/run", "${{S}}"], env: {{PASSWORD: {LITERAL}, TOKEN: "${{S}}"}}, backoff: {{limit: 1}}}}
  bad-directory: {{command: [sleep, "${{S}}"], workingDir: "/srv/${{S}}", backoff: {{limit: 1}}}}
  bad-file: {{command: [sleep, "60"], env: {{KEY: "${{file:/proc/self/comm}}", PASSWORD: {LITERAL}}}}}
  http:
    command: [sleep, "60"]
    readinessProbe:
      httpGet: {{host: 127.0.0.1, path: "/${{S}}", port: 1, httpHeaders: [{{name: X, value: "${{S}}"}}, {{name: Y, value: {LITERAL}}}]}}
      periodSeconds: 0.1
  http-host: {{command: [sleep, "60"], readinessProbe: {{httpGet: {{host: "${{S}}.invalid", port: 1}}, periodSeconds: 0.1}}}}
  tcp: {{command: [sleep, "60"], readinessProbe: {{tcpSocket: {{host: "${{S}}.invalid", port: 1}}, periodSeconds: 0.1}}}}
  grpc: {{command: [sleep, "60"], readinessProbe: {{grpc: {{host: "${{S}}.invalid", port: 1, service: "${{S}}"}}, periodSeconds: 0.1}}}}
  file: {{command: [sleep, "60"], readinessProbe: {{file: {{path: "/run/${{S}}"}}, periodSeconds: 0.1}}}}
  log: {{command: [sleep, "60"], readinessProbe: {{log: {{pattern: "up ${{S}}"}}}}}}
  exec: {{command: [sleep, "60"], readinessProbe: {{exec: {{command: ["/opt/${{S}}/probe"]}}, periodSeconds: 0.1}}}}
  false: {{command: [sleep, "60"], readinessProbe: {{exec: {{command: [sh, -c, "exit 3", "${{S}}"]}}, periodSeconds: 0.1}}}}
  stop: {{command: [sleep, "60"], stopCommand: ["/opt/${{S}}/stop"]}}
  main: {{main: true, command: [sleep, "${{N:-60}}"], dependsOn: []}}
lifecycle:
  onFailure: hold
  preload:
    - {{tcpSocket: {{host: "127.0.0.1", port: 1}}, timeoutSeconds: 1}}
  offline:
    - {{http: {{url: "http://127.0.0.1:1/${{S}}", headers: {{X: "${{S}}", Y: {LITERAL}}}, body: "${{S}} {LITERAL}"}}, timeoutSeconds: 1}}
    - {{tcpSocket: {{host: "${{S}}.invalid", port: 1}}, timeoutSeconds: 1}}
    - {{exec: {{command: ["/opt/${{S}}/offline"]}}, timeoutSeconds: 1}}
"""

STEPS = [f'{{http: {{url: "http://127.0.0.1:1/${{S}}", headers: {{X: "${{S}}", Y: {LITERAL}}}, body: "${{S}} {LITERAL}"}}, timeoutSeconds: 1}}',
         f'{{http: {{url: "http://${{S}}.invalid/", body: {LITERAL}}}, timeoutSeconds: 1}}',
         '{tcpSocket: {host: "${S}.invalid", port: 1}, timeoutSeconds: 1}',
         '{exec: {command: ["/opt/${S}/online"]}, timeoutSeconds: 1}']


def demand_no_secret(what, text):
    for secret in (SECRET, LITERAL):
        assert secret not in text, f"{what}: " + next(line for line in text.splitlines() if secret in line)


def told_by(davit):
    """All that clients can get to see."""
    for arguments in (["status"], ["status", "-o", "json"], ["why"], ["probe", "ready"], ["plan"], ["graph"],
                      ["plan", "-o", "json"]):
        answer = davit.ctl(*arguments)
        yield " ".join(arguments), answer.stdout + answer.stderr
    for service in davit.status()["services"]:
        answer = davit.ctl("why", service["name"])
        yield f"why {service['name']}", answer.stdout + answer.stderr
    for route in ("/v1/status?detail=explain", "/v1/events", "/v1/plan", "/readyz"):
        answer = subprocess.run(["curl", "-s", "--unix-socket", davit.socket, f"http://davit{route}"],
                                capture_output=True, text=True, timeout=DEADLINE)
        yield route, answer.stdout


def demand_nothing_told(davit):
    for what, text in told_by(davit):
        demand_no_secret(what, text)


def test_services_and_probes_that_fail_show_no_secret(tmp_path):
    with Davit(tmp_path, FAILING, env={"S": SECRET}) as davit:
        for name in ("bad-program", "bad-directory"):
            davit.wait_state(name, "failed")
        for name in ("http", "http-host", "tcp", "grpc", "file", "log", "exec", "false"):
            eventually(lambda: "not ready" in davit.service(name)["why"] or "failed" in davit.service(name)["why"]
                       or "/" in davit.service(name)["why"], f"{name} was probed")
        davit.stderr.wait_for("preload")
        demand_nothing_told(davit)
        davit.ctl("stop", "stop", "--no-wait")
        davit.stderr.wait_for("stop command")
        davit.signal(signal.SIGTERM)
        davit.wait()
        demand_no_secret("log", davit.stderr.text() + davit.stdout.text())
        demand_no_secret("termination log", davit.termination_log.read_text())


def test_steps_that_fail_show_no_secret(tmp_path):
    for number, step in enumerate(STEPS):
        directory = tmp_path / str(number)
        directory.mkdir()
        configuration = f'services: {{m: {{command: [sleep, "60"]}}}}\nlifecycle:\n  onFailure: hold\n  online: {step}\n  offline: {step}\n'
        with Davit(directory, configuration, env={"S": SECRET}) as davit:
            davit.wait_phase("failed")
            demand_nothing_told(davit)
            davit.signal(signal.SIGTERM)
            davit.wait()
            demand_no_secret(step, davit.stderr.text() + davit.stdout.text())
            demand_no_secret(step, davit.termination_log.read_text())


def test_a_container_that_dies_of_it_shows_no_secret(tmp_path):
    for number, keys in enumerate(['command: ["/opt/${S}/run"]', 'command: [sleep], workingDir: "/opt/${S}"']):
        directory = tmp_path / str(number)
        directory.mkdir()
        with Davit(directory, f"services: {{m: {{{keys}}}}}", env={"S": SECRET}) as davit:
            assert davit.wait() in (126, 127)
            demand_no_secret("log", davit.stderr.text())
            assert "${S}" in davit.termination_log.read_text()
            demand_no_secret("termination log", davit.termination_log.read_text())


BAD = f"""
app: [{LITERAL}]
services:
  m:
    command: x
    workingDir: "${{S}}"
    envFile: "/run/${{S}}"
    user: "${{S}}"
    group: "${{S}}"
    umask: "${{S}}"
    nice: "${{S}}"
    rlimits: {{nofile: "${{S}}"}}
    critical: "${{S}}"
    stopSignal: "${{S}}"
    restartPolicy: "${{S}}"
    terminationGracePeriodSeconds: "${{S}}"
    dependsOn: ["${{S}}"]
    env: {{A: [{LITERAL}], B: {{c: {LITERAL}}}}}
    readinessProbe: {{httpGet: {{port: "${{S}}", scheme: "${{S}}", httpHeaders: {{X: "{LITERAL}\\n"}}}}}}
lifecycle:
  scriptsDir: /${{S}}
  online: {{http: {{url: "${{S}}", method: "${{S}}", expectStatus: "${{S}}", body: [{LITERAL}]}}}}
"""


def test_problems_of_a_configuration_show_no_secret(tmp_path):
    file = tmp_path / "davit.yaml"
    file.write_text(BAD)
    env = {"PATH": os.environ["PATH"], "S": SECRET, "ASAN_OPTIONS": "detect_leaks=0"}
    for arguments in (["check", file], ["check", "-o", "json", file], ["run", "-c", file], ["plan", "-c", file]):
        done = subprocess.run([str(binary()), *map(str, arguments)], env=env, capture_output=True, text=True,
                              timeout=DEADLINE)
        demand_no_secret(str(arguments[0]), done.stdout + done.stderr)
        if arguments[0] in ("check", "run"):
            assert done.returncode in (1, 125)
    answer = subprocess.run([str(binary()), "check", "-o", "json", str(file)], env=env, capture_output=True, text=True,
                            timeout=DEADLINE)
    assert len(json.loads(answer.stdout)["problems"]) >= 20
