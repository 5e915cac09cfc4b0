# SPDX-License-Identifier: Apache-2.0
"""The life of examples/tomcat, as a test: real Tomcat, rsyslog, nginx and HAProxy, and customers who never stop asking."""

import contextlib
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

import tomcat_life
from tomcat_life import POD, REPOSITORY, ShopBox, Traffic, World


@pytest.fixture(scope="module")
def image(davit):
    built = tomcat_life.build_image(davit)
    yield built
    shutil.rmtree(built)


@pytest.fixture(scope="module")
def life(image):
    """One whole life, looked at by many tests."""
    return tomcat_life.live(image)


def test_the_configuration_has_no_problem(davit):
    done = subprocess.run([davit, "check", tomcat_life.EXAMPLE / "davit.yaml"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


# ---- a life as the kubelet leads it ----------------------------------------------------------------


def test_no_request_fails_from_before_online_until_the_end(life):
    assert life.failures == []
    assert len(life.answered[POD]) >= 600


def test_poststart_returns_when_the_load_balancer_sends_requests(life):
    assert life.poststart.returncode == 0
    assert life.registered_online == "UP"


def test_prestop_returns_when_the_load_balancer_has_forgotten_the_container(life):
    assert life.prestop.returncode == 0, life.prestop.stdout
    assert life.registered_after_prestop is None


def test_pid_1_outlives_the_prestop_hook(life):
    assert life.running_after_prestop


def test_the_container_exits_with_the_code_of_tomcat_own_shutdown(life):
    assert life.exit_code == 0
    assert life.termination_message == ""


def test_the_log_agent_outlives_tomcat_and_has_a_line_of_every_request(life):
    assert sorted(life.logged) == sorted(life.answered[POD])


def test_status_shows_every_service_ready_while_online(life):
    assert "online" in life.status_online
    for service in ("log-agent", "proxy", "tomcat"):
        assert re.search(rf"^.*\b{service}\b.*running", life.status_online, re.MULTILINE), life.status_online


def test_steps_speak_in_the_log_in_the_order_of_the_life(life):
    words = ["[preload] http://127.0.0.1:8080/warmup: 200", "[online] shop/shop-1 gets traffic",
             "[offline] shop/shop-1 gets no new requests", "[stop] Tomcat is down"]
    places = [life.output.find(word) for word in words]
    assert -1 not in places, life.output
    assert places == sorted(places)


# ---- other ends ------------------------------------------------------------------------------------


def go_online(box, traffic, requests=50):
    box.start()
    hook = box.exec(["/opt/davit/hooks/poststart"], timeout=120)
    assert hook.returncode == 0, hook.stdout + box.output()
    traffic.wait_for(POD, requests)


def test_a_bare_sigterm_runs_the_same_way_down(image):
    with World() as world, Traffic() as traffic, ShopBox(image) as box:
        go_online(box, traffic)
        box.kill(signal.SIGTERM)
        assert box.wait(50) == 0
        assert world.registered() is None
        traffic.stop()
        assert traffic.failures == []
        assert box.output().count("[offline] shop/shop-1 is out of the backend") == 1


def test_offline_by_hand_leaves_everything_running_and_online_brings_it_back(image):
    with World() as world, Traffic() as traffic, ShopBox(image) as box:
        go_online(box, traffic)
        assert box.exec(["davit", "offline"]).returncode == 0
        assert world.registered() is None
        status = json.loads(box.exec(["davit", "status", "-o", "json"]).stdout)
        assert status["phase"] == "offline" and not status["ready"]
        assert [service["state"] for service in status["services"]] == ["running"] * 3
        assert box.exec(["davit", "probe", "ready"]).returncode == 1
        assert box.exec(["davit", "online"]).returncode == 0
        assert world.registered() == "UP"
        traffic.wait_for(POD, 50)
        traffic.stop()
        assert traffic.failures == []


def test_a_main_that_dies_is_taken_out_of_the_load_balancer_and_gives_its_code(image):
    with World() as world, Traffic(quick=1, slow=0) as traffic, ShopBox(image) as box:
        go_online(box, traffic, requests=5)
        traffic.stop()
        status = json.loads(box.exec(["davit", "status", "-o", "json"]).stdout)
        main = next(service for service in status["services"] if service["main"])
        assert box.exec(["kill", "-KILL", str(main["pid"])]).returncode == 0
        assert box.wait(50) == 137
        assert world.registered() is None
        assert "[offline] shop/shop-1 is out of the backend" in box.output()
        assert "tomcat" in box.termination_message()


def test_a_load_balancer_that_cannot_be_reached_fails_the_start(image):
    with World(), ShopBox(image, env={"HAPROXY_API": "127.0.0.1:9"}) as box:
        box.start()
        assert box.exec(["/opt/davit/hooks/poststart"], timeout=120).returncode == 1
        assert box.wait(60) == 121
        assert "online" in box.termination_message()


# ---- the quick start itself ------------------------------------------------------------------------


def quickstart(davit, folder):
    """The quick start as a person starts it from a shell; its output and all its scratch are in `folder`."""
    with open(folder / "log", "w") as log:
        return subprocess.Popen([REPOSITORY / "packaging" / "quickstart", davit], stdout=log, stderr=subprocess.STDOUT,
                                start_new_session=True, env={**os.environ, "TMPDIR": str(folder)},
                                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))


def processes_that_mention(text):
    commands = []
    for process in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{process}/cmdline") as file:
            commands.append(file.read().replace("\0", " "))
    return [command for command in commands if text in command]


@pytest.mark.parametrize("moment", ["compiling the shop", "the container starts", "[preload]", "online; davit status"])
def test_an_interrupted_quick_start_leaves_nothing_behind(davit, tmp_path, moment):
    process = quickstart(davit, tmp_path)
    deadline = time.monotonic() + 120
    while moment not in (tmp_path / "log").read_text():
        assert process.poll() is None and time.monotonic() < deadline, (tmp_path / "log").read_text()
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does
    assert process.wait(60) == 130
    assert os.listdir(tmp_path) == ["log"]
    assert processes_that_mention(str(tmp_path)) == []
    assert glob.glob(f"/sys/fs/cgroup/**/davit-box-{process.pid}-*", recursive=True) == []
