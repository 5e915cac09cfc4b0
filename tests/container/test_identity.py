# SPDX-License-Identifier: Apache-2.0
"""Other users inside a real container: with the capabilities of a container, with few of them, and with none."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from runc_box import Box

DAVIT = "/usr/local/bin/davit"
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "helper-user"
FOREVER = ["/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done"]
ESCAPES = ["/bin/sh", "-c", "setsid sh -c 'echo $$$$ > /tmp/escaped; exec sleep 600' & exec sleep 600"]


def eventually(condition, what, deadline=30):
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end, f"not within {deadline} s: {what}"
        time.sleep(0.02)


def box_of(davit, configuration, **settings):
    return Box([DAVIT, "run", "-c", "/etc/davit/a.yaml"], files={DAVIT: davit, "/etc/davit/a.yaml": configuration.encode()}, **settings)


def shop(keys="", helper="", command=FOREVER):
    return f"""
services:
  helper: {{command: {json.dumps(command)}, restartPolicy: Never{helper}}}
  shop: {{main: true, command: {json.dumps(FOREVER)}{keys}}}
"""


def wait_online(box):
    answer = box.exec([DAVIT, "wait", "online", "--timeout", "30"])
    assert answer.returncode == 0, f"{answer.stdout}\n{box.output()}"


def test_with_a_containers_usual_capabilities_another_user_runs_and_what_escapes_it_is_stopped(davit):
    # CAP_SYS_PTRACE is not among them: the environment of another user's process is read as that user.
    with box_of(davit, shop(helper=", user: nobody", command=ESCAPES)) as box:
        box.start()
        wait_online(box)
        eventually(lambda: box.exec(["cat", "/tmp/escaped"]).stdout.strip(), "it escaped")
        pid = box.exec(["cat", "/tmp/escaped"]).stdout.strip()
        assert "65534" in box.exec(["grep", "Uid", f"/proc/{pid}/status"]).stdout
        assert box.exec([DAVIT, "stop", "helper"]).returncode == 0
        assert box.exec(["kill", "-0", pid]).returncode != 0
        box.kill(signal.SIGTERM)
        assert box.wait() == 0


def test_with_all_capabilities_dropped_nothing_starts_and_the_keys_are_named(davit):
    nicer = os.getpriority(os.PRIO_PROCESS, 0) - 1  # than this test, however nice that was started
    keys = f", user: nobody, nice: {nicer}, oomScoreAdj: -10, rlimits: {{nofile: 900000, core: unlimited, memlock: unlimited}}"
    with box_of(davit, shop(helper=keys), capabilities=()) as box:
        box.start()
        assert box.wait() == 125
        log = box.output()
        for key, capability in (("user", "CAP_SETUID, CAP_SETGID and CAP_KILL"), ("nice", "CAP_SYS_NICE"),
                                ("oomScoreAdj", "CAP_SYS_RESOURCE"), ("rlimits.memlock", "CAP_SYS_RESOURCE")):
            assert f"services.helper.{key}: needs {capability}, which davit (uid 0) does not have" in log, log
        assert "starting" not in log


def test_with_all_capabilities_dropped_check_only_warns(davit):
    with box_of(davit, shop(), capabilities=()) as box:
        box.start()
        wait_online(box)
        box.put("/tmp-b.yaml", shop(helper=", user: nobody").encode())
        answer = box.exec([DAVIT, "check", "/tmp-b.yaml"])
        assert answer.returncode == 0
        assert "warning: services.helper.user: needs CAP_SETUID, CAP_SETGID and CAP_KILL" in answer.stdout
        box.kill(signal.SIGTERM)
        assert box.wait() == 0


def test_a_restricted_pod_that_is_that_user_already_needs_nothing(davit):
    keys = ", user: nobody, group: nogroup, umask: 0077, nice: 3, oomScoreAdj: 1000, rlimits: {nofile: 100}, noNewPrivileges: true"
    with box_of(davit, shop(keys, keys), uid=65534, capabilities=(), read_only=True, tmpfs=()) as box:
        box.start()
        wait_online(box)
        answer = box.exec([DAVIT, "exec", "shop", "--", "/bin/sh", "-c", "id -u; umask; nice; ulimit -n"])
        assert answer.stdout.split() == ["65534", "0077", "3", "100"], answer.stdout
        box.kill(signal.SIGTERM)
        assert box.wait() == 0


def test_another_user_works_by_number_in_an_empty_image_and_exec_as_well(davit):
    configuration = "services: {shop: {main: true, user: 4711, group: 4712, command: [/davit, poststart, --socket, /none, --timeout, '600']}}"
    with Box(["/davit", "run", "-c", "/davit.yaml"], root="empty", files={"/davit": davit, "/davit.yaml": configuration.encode()},
             tmpfs=()) as box:
        box.start()
        eventually(lambda: box.exec(["/davit", "wait", "online"]).returncode == 0, "online in an empty image")
        env = json.loads(box.exec(["/davit", "env", "shop", "-o", "json"]).stdout)
        assert (env["uid"], env["gid"], env["groups"]) == (4711, 4712, [])
        assert box.exec(["/davit", "exec", "shop", "--", "/davit", "version"]).returncode == 0
        answer = box.exec(["/davit", "shell"])
        assert (answer.returncode, "no shell here" in answer.stdout) == (127, True)
        box.kill(signal.SIGTERM)
        box.wait()


@pytest.fixture
def example(davit):
    files = {DAVIT: davit, "/etc/davit/davit.yaml": (EXAMPLE / "davit.yaml").read_bytes(),
             "/etc/shop/shop.env": b"# settings\nGREETING=\"hello world\"\n", "/srv/shop/index.html": b"shop", "/var/log/shop/access.log": b""}
    capabilities = ["CAP_SETUID", "CAP_SETGID", "CAP_KILL", "CAP_CHOWN"]
    with Box([DAVIT, "run"], files=files, capabilities=capabilities) as box:
        (box.root / "var/log/shop/access.log").chmod(0o666)
        yield box


def test_the_example_runs_with_the_capabilities_of_its_pod(example):
    example.start()
    wait_online(example)
    eventually(lambda: "hello world from www-data in /var/www" in example.output(), "the agent shows what preload wrote")
    who = "id -un; id -gn; umask; ulimit -n; echo $HOME $GREETING; grep NoNewPrivs /proc/self/status"
    answer = example.exec([DAVIT, "exec", "shop", "--", "/bin/sh", "-c", who])
    assert answer.stdout.split("\n")[:6] == ["www-data", "www-data", "0027", "1024", "/var/www hello world", "NoNewPrivs:\t1"]
    answer = example.exec([DAVIT, "exec", "log-agent", "--", "/bin/sh", "-c", "id -u; id -gn; nice; cat /proc/self/oom_score_adj"])
    assert answer.stdout.split() == ["4711", "adm", "10", "500"], answer.stdout
    assert example.exec([DAVIT, "restart", "log-agent"]).returncode == 0
    example.kill(signal.SIGTERM)
    assert example.wait() in (0, 143)


def test_the_example_agrees_with_its_pod(example):
    example.put("/pod.yaml", (EXAMPLE / "pod.yaml").read_bytes())
    example.start()
    wait_online(example)
    answer = example.exec([DAVIT, "check", "--pod", "/pod.yaml"])
    assert answer.returncode == 0, answer.stdout
