# SPDX-License-Identifier: Apache-2.0
"""Probes of services that tell: lines of their output, a file, a gRPC server, against real programs."""

import json
import socket
import subprocess
from pathlib import Path

import pytest
from davit_process import Davit, eventually, script

SUPPORT = Path(__file__).resolve().parents[1] / "support"


def free_port():
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        return reserved.getsockname()[1]


def why(davit, name):
    return davit.service(name)["why"]


def wait_why(davit, name, text):
    return eventually(lambda: text in why(davit, name), f"the why of {name} has {text!r}")


def test_a_log_probe_waits_for_its_line(tmp_path):
    configuration = f"""
services:
  db:
    command: {script("echo starting; until [ -e $T/go ]; do sleep 0.05; done; echo 'ready for connections on 3306'; exec sleep 1000")}
    startupProbe: {{log: {{pattern: "ready for connections on [0-9]+$$"}}}}
  m: {{main: true, command: [sleep, "1000"]}}
"""
    with Davit(tmp_path, configuration) as davit:
        davit.stdout.wait_for(r"\[db\] starting")
        wait_why(davit, "db", 'no line matched "ready for connections on [0-9]+$$" yet')
        assert davit.service("m")["state"] == "blocked"
        (tmp_path / "go").touch()
        davit.wait_phase("online")
        davit.stderr.wait_for(r'db running \(startup probe: a line matched "ready for')


def test_a_log_that_falls_silent_fails_its_liveness(tmp_path):
    configuration = f"""
services:
  ticker:
    command: {script("note start; for i in 1 2 3 4 5; do echo tick; sleep 0.3; done; exec sleep 1000")}
    livenessProbe: {{log: {{pattern: tick}}, periodSeconds: 0.5, failureThreshold: 2}}
  m: {{main: true, command: [sleep, "1000"]}}
"""
    with Davit(tmp_path, configuration) as davit:
        davit.stderr.wait_for(r'ticker stopping \(liveness probe failed: no line matched "tick" for 1 s\)')
        davit.wait_trace("start", count=2)


def test_a_log_probe_on_a_raw_main_is_refused(tmp_path):
    configuration = 'services: {m: {command: x, startupProbe: {log: {pattern: "up"}}}}'
    with Davit(tmp_path, configuration, mode="plain") as davit:
        assert davit.wait() == 125
        assert "its logs are raw (the default of main): say logs: prefix there" in davit.stderr.text()


def test_a_file_probe_follows_the_file(tmp_path):
    configuration = """
services:
  m:
    command: [sleep, "1000"]
    readinessProbe: {file: {path: "${T}/ready"}, periodSeconds: 0.1, failureThreshold: 1}
"""
    with Davit(tmp_path, configuration) as davit:
        wait_why(davit, "m", "file ${T}/ready no such file or directory")
        (tmp_path / "ready").touch()
        davit.wait_phase("online")
        (tmp_path / "ready").unlink()
        eventually(lambda: not davit.status()["ready"], "not ready without the file")
        assert davit.ctl("probe", "ready").stdout.strip() == \
            "not ready: m: file ${T}/ready no such file or directory"


GRPC = """
services:
  server:
    command: [/usr/bin/python3, {program}, "{port}", "{statuses}"{arguments}]
    readinessProbe: {{grpc: {{port: {port}{service}}}, periodSeconds: 0.2, failureThreshold: 1, timeoutSeconds: 5}}
  m: {{main: true, command: [sleep, "1000"]}}
"""


def grpc_configuration(tmp_path, statuses, service="", arguments=""):
    if subprocess.run(["/usr/bin/python3", "-c", "import grpc"], capture_output=True).returncode != 0:
        pytest.skip("python3-grpcio is not installed: packaging/setup test")
    (tmp_path / "statuses").write_text(statuses)
    port = free_port()
    return port, GRPC.format(program=json.dumps(str(SUPPORT / "grpc_health_server.py")), port=port,
                             statuses=tmp_path / "statuses", service=service, arguments=arguments)


def test_a_grpc_probe_follows_a_real_server(tmp_path):
    port, configuration = grpc_configuration(tmp_path, "=1\n")
    with Davit(tmp_path, configuration) as davit:
        davit.wait_phase("online")
        wait_why(davit, "server", f"ready: grpc 127.0.0.1:{port} SERVING")
        (tmp_path / "statuses").write_text("=2\n")
        wait_why(davit, "server", f"not ready: grpc 127.0.0.1:{port} NOT_SERVING")
        assert davit.status()["ready"] is False
        (tmp_path / "statuses").write_text("=1\n")
        wait_why(davit, "server", "SERVING")
        eventually(lambda: davit.status()["ready"], "ready again")


def test_a_grpc_probe_asks_for_its_service(tmp_path):
    port, configuration = grpc_configuration(tmp_path, "=1\n", service=", service: shop.Orders")
    with Davit(tmp_path, configuration) as davit:
        wait_why(davit, "server", f"grpc 127.0.0.1:{port} shop.Orders NOT_FOUND: its health service does not know this name")
        (tmp_path / "statuses").write_text("=2\nshop.Orders=1\n")
        davit.wait_phase("online")
        wait_why(davit, "server", f"ready: grpc 127.0.0.1:{port} shop.Orders SERVING")


def test_a_grpc_server_without_health_says_so(tmp_path):
    port, configuration = grpc_configuration(tmp_path, "", arguments=", --without-health")
    with Davit(tmp_path, configuration) as davit:
        wait_why(davit, "server", f"grpc 127.0.0.1:{port} UNIMPLEMENTED: it has no health service")


def test_a_grpc_probe_names_what_speaks_no_grpc(tmp_path):
    port = free_port()
    configuration = f"""
services:
  web:
    command: [/usr/bin/python3, -m, http.server, "{port}", --bind, 127.0.0.1]
    readinessProbe: {{grpc: {{port: {port}}}, periodSeconds: 0.5}}
  m: {{main: true, command: [sleep, "1000"]}}
"""
    with Davit(tmp_path, configuration) as davit:
        wait_why(davit, "web", f"grpc 127.0.0.1:{port} does not speak HTTP/2")
