# SPDX-License-Identifier: Apache-2.0
"""The programs of hooks/ against a real HAProxy and a small web server: each keeps the contract of hooks/README.md."""

import http.server
import os
import subprocess
import threading
import time

import pytest

from tomcat_life import POD, REPOSITORY, World

HOOKS = REPOSITORY / "hooks"
PATH = "/usr/local/bin:/usr/bin:/bin"
REACHABLE = "127.0.0.1:9001"  # the other pod of the world outside: it answers /health
UNREACHABLE = "127.0.0.1:9"


def run(script, *args, **env):
    return subprocess.run([HOOKS / script, *args], env={"PATH": PATH, **env}, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)


def step(script, *args, remaining="10.5", **env):
    settings = {"POD_NAME": POD, "HAPROXY_API": "127.0.0.1:9999", "HAPROXY_BACKEND": "shop", "HAPROXY_ADDRESS": REACHABLE}
    return run(script, *args, **{**settings, "DAVIT_STEP": "a-step", "DAVIT_REMAINING_SECONDS": remaining, **env})


@pytest.fixture
def world():
    with World() as outside:
        yield outside


@pytest.fixture
def answers():
    """A web server at 127.0.0.1:8080 that gives the listed status codes one after the other, the last one for ever."""
    codes = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(codes.pop(0) if len(codes) > 1 else codes[0])
            self.end_headers()
            self.wfile.write(b"words of the server\n")

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 8080), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield codes
    server.shutdown()
    thread.join()
    server.server_close()


# ---- the kubelet's hooks ---------------------------------------------------------------------------


@pytest.mark.parametrize("hook", ["poststart", "prestop"])
def test_a_hook_in_debug_mode_returns_0_without_asking_anybody(hook):
    assert run(hook, DAVIT_MODE="debug").returncode == 0


@pytest.mark.parametrize("hook", ["poststart", "prestop"])
def test_a_hook_passes_its_arguments_to_davit_and_returns_its_result(hook, tmp_path):
    davit = tmp_path / "davit"
    davit.write_text('#!/bin/sh\necho "asked: $*"\nexit 4\n')
    davit.chmod(0o755)
    done = run(hook, "--timeout", "7", PATH=f"{tmp_path}:{PATH}")
    assert (done.returncode, done.stdout) == (4, f"asked: {hook} --timeout 7\n")


@pytest.mark.parametrize("hook", ["poststart", "prestop"])
@pytest.mark.skipif(os.path.exists("/usr/local/bin/davit"), reason="davit is installed on this machine")
def test_a_hook_without_davit_says_where_it_looked(hook):
    done = run(hook)
    assert done.returncode == 3
    assert "/usr/local/bin" in done.stdout


# ---- online and offline ----------------------------------------------------------------------------


def test_online_returns_when_haproxy_sends_requests(world):
    done = step("haproxy-online")
    assert done.returncode == 0, done.stdout
    assert world.registered() == "UP"


def test_online_may_run_twice_and_takes_over_what_another_address_left(world):
    assert step("haproxy-online", HAPROXY_ADDRESS="127.0.0.3:9001", HAPROXY_SERVER_OPTIONS="").returncode == 0
    for _ in range(2):
        done = step("haproxy-online", HAPROXY_SERVER_OPTIONS="")
        assert done.returncode == 0, done.stdout
    assert world.registered() == "no check"


def test_online_brings_back_what_offline_could_not_delete(world):
    assert step("haproxy-online").returncode == 0
    subprocess.run(["socat", "-", "TCP:127.0.0.1:9999"], input=f"set server shop/{POD} state maint\n", text=True, check=True)
    assert world.registered() == "MAINT"
    assert step("haproxy-online").returncode == 0
    assert world.registered() == "UP"


def test_online_fails_in_time_when_haproxy_cannot_reach_the_pod(world):
    began = time.monotonic()
    done = step("haproxy-online", HAPROXY_ADDRESS=UNREACHABLE, remaining="4")
    assert done.returncode == 1
    assert f"can HAProxy reach {UNREACHABLE}?" in done.stdout
    assert time.monotonic() - began < 8


def test_online_names_a_backend_that_haproxy_does_not_know(world):
    done = step("haproxy-online", HAPROXY_BACKEND="shopp")
    assert done.returncode == 1
    assert "HAProxy knows no backend shopp" in done.stdout


@pytest.mark.parametrize("script", ["haproxy-online", "haproxy-offline"])
def test_a_load_balancer_that_does_not_answer_is_a_failure(script):
    done = step(script, HAPROXY_API=UNREACHABLE)
    assert done.returncode == 1
    assert f"HAProxy at {UNREACHABLE} does not answer" in done.stdout


@pytest.mark.parametrize("script", ["haproxy-online", "haproxy-offline"])
def test_a_missing_setting_is_named(script):
    done = step(script, HAPROXY_BACKEND="")
    assert done.returncode == 1
    assert "HAPROXY_BACKEND is not set" in done.stdout


def test_offline_takes_the_pod_out_and_may_run_twice(world):
    assert step("haproxy-online").returncode == 0
    done = step("haproxy-offline")
    assert done.returncode == 0, done.stdout
    assert world.registered() is None
    again = step("haproxy-offline")
    assert (again.returncode, again.stdout) == (0, f"shop/{POD} is not registered: nothing to do\n")


# ---- preload and stop ------------------------------------------------------------------------------


def test_preload_asks_until_the_answer_is_good(answers):
    answers.extend([503, 404, 200])
    done = step("preload-http", "http://127.0.0.1:8080/warmup")
    assert (done.returncode, done.stdout) == (0, "http://127.0.0.1:8080/warmup: 200 words of the server\n")


def test_preload_fails_in_time_with_the_last_answer(answers):
    answers.append(503)
    done = step("preload-http", "http://127.0.0.1:8080/warmup", remaining="3")
    assert done.returncode == 1
    assert "the last answer was 503 words of the server" in done.stdout


def test_preload_does_not_ask_again_where_that_cannot_help(answers):
    answers.append(403)
    done = step("preload-http", "http://127.0.0.1:8080/warmup", remaining="600")
    assert done.returncode == 1
    assert "answers 403: words of the server" in done.stdout


def test_stop_of_a_tomcat_that_is_down_is_done():
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert step("tomcat-stop", DAVIT_MAIN_PID=str(gone.pid)).returncode == 0
