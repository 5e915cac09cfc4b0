# SPDX-License-Identifier: Apache-2.0
"""HTTPS in the static binary: a probe takes any certificate, as the kubelet does; a step wants one that it can trust."""

import http.server
import ssl
import subprocess
import threading

import pytest

from runc_box import Box


class Always(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"fine")

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("https")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=shop",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"],
                   cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def port(certificate):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Always)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()


def run_box(davit, configuration, files=None):
    return Box(["/davit", "run", "-c", "/davit.yaml"], root="empty", network="host", tmpfs=(),
               files={"/davit": davit, "/davit.yaml": configuration.encode(), **(files or {})})


MAIN = "[/davit, wait, stopped, --timeout, '600']"


def test_a_probe_takes_a_certificate_that_nobody_signed(davit, port):
    configuration = f"""
services:
  shop:
    main: true
    command: {MAIN}
    readinessProbe: {{httpGet: {{scheme: HTTPS, port: {port}, path: /health}}}}
"""
    with run_box(davit, configuration) as box:
        box.start()
        box.wait_for_output("phase online")
        assert f"GET https://127.0.0.1:{port}/health 200" in box.output()


def step(port):
    return f"""
services:
  shop: {{main: true, command: {MAIN}}}
lifecycle:
  preload: {{http: {{url: "https://127.0.0.1:{port}/warm"}}}}
"""


def test_a_step_refuses_a_certificate_that_nobody_signed(davit, port):
    with run_box(davit, step(port)) as box:
        box.start()
        assert box.wait() == 121
        assert "preload failed" in box.termination_message()
        assert "certificate" in box.termination_message().lower()


def test_a_step_takes_a_certificate_of_the_image_s_authorities(davit, port, certificate):
    authorities = {"/etc/ssl/certs/ca-certificates.crt": (certificate / "cert.pem").read_bytes()}
    with run_box(davit, step(port), authorities) as box:
        box.start()
        box.wait_for_output("phase online")
