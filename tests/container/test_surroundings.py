# SPDX-License-Identifier: Apache-2.0
"""davit as PID 1 where it must run: restricted pods, empty images, beside another davit, with old system calls."""

import json
import signal
import subprocess
import time

import pytest

from runc_box import Box

MAIN = ["/bin/sh", "-c", "trap 'exit 0' TERM; echo main is up; while :; do sleep 0.05; done"]

SHOP = f"""
app: shop
terminationGracePeriodSeconds: 20
services:
  helper: {{command: ["/bin/sh", "-c", "echo helper is up; exec sleep 600"]}}
  shop: {{main: true, command: {json.dumps(MAIN)}}}
lifecycle:
  offline: {{exec: {{command: ["/bin/sh", "-c", "echo goes offline"]}}}}
"""


def eventually(condition, what, deadline=30):
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end, f"not within {deadline} s: {what}"
        time.sleep(0.02)


def shop_box(davit, **settings):
    files = {"/usr/local/bin/davit": davit, "/etc/davit/10-shop.yaml": SHOP.encode()}
    return Box(["/usr/local/bin/davit", "run"], files=files, **settings)


def status(box, **settings):
    answer = box.exec(["/usr/local/bin/davit", "status", "-o", "json"], **settings)
    assert answer.returncode == 0, answer.stdout
    return json.loads(answer.stdout)


def wait_online(box, **settings):
    answer = box.exec(["/usr/local/bin/davit", "wait", "online", "--timeout", "30"], **settings)
    assert answer.returncode == 0, f"{answer.stdout}\n{box.output()}"


def test_pid_1_goes_online_and_ends_with_the_code_of_main(davit):
    with shop_box(davit) as box:
        box.start()
        wait_online(box)
        assert status(box)["phase"] == "online"
        assert box.exec(["/usr/local/bin/davit", "prestop"]).returncode == 0
        assert box.running()
        box.kill(signal.SIGTERM)
        assert box.wait() == 0
        assert "goes offline" in box.output()


def test_a_restricted_pod_read_only_with_any_uid_uses_the_abstract_socket(davit):
    with shop_box(davit, uid=65534, capabilities=(), read_only=True, tmpfs=()) as box:
        box.start()
        wait_online(box)
        sockets = box.exec(["cat", "/proc/net/unix"]).stdout
        assert "@davit-" in sockets
        for probe in ("startup", "ready", "live"):
            assert box.exec(["/usr/local/bin/davit", "probe", probe]).returncode == 0
        assert box.exec(["/usr/local/bin/davit", "poststart"]).returncode == 0
        assert box.exec(["/usr/local/bin/davit", "prestop"]).returncode == 0
        box.kill(signal.SIGTERM)
        assert box.wait() == 0


def test_a_caller_with_another_uid_is_not_served(davit):
    with shop_box(davit, uid=65534, capabilities=(), read_only=True, tmpfs=()) as box:
        box.start()
        wait_online(box)
        assert box.exec(["/usr/local/bin/davit", "status"], uid=4711).returncode == 3
        assert box.exec(["/usr/local/bin/davit", "status"], uid=0).returncode == 0


def test_an_empty_image_needs_nothing_but_davit(davit):
    configuration = b"services: {shop: {main: true, command: [/davit, wait, stopped, --timeout, '600']}}"
    with Box(["/davit", "run", "-c", "/davit.yaml"], root="empty", files={"/davit": davit, "/davit.yaml": configuration},
             tmpfs=()) as box:
        box.start()
        eventually(lambda: box.exec(["/davit", "wait", "online"]).returncode == 0, "online in an empty image")
        box.kill(signal.SIGTERM)
        assert box.wait() != 125


def test_plain_init_in_an_empty_image(davit):
    with Box(["/davit", "run", "--", "/davit", "version"], root="empty", files={"/davit": davit}, tmpfs=()) as box:
        box.start()
        assert box.wait() == 0
        assert "davit" in box.output()


def test_two_containers_of_a_pod_share_a_network_and_keep_apart(davit):
    # Abstract sockets live in the network namespace, which containers of one pod share.
    settings = dict(uid=65534, capabilities=(), read_only=True, tmpfs=(), network="host")
    with shop_box(davit, **settings) as first, shop_box(davit, **settings) as second:
        first.start()
        second.start()
        wait_online(first)
        wait_online(second)
        assert first.exec(["/usr/local/bin/davit", "offline"]).returncode == 0
        assert status(first)["phase"] == "offline"
        assert status(second)["phase"] == "online"


def test_a_second_davit_in_the_container_does_not_take_the_socket(davit):
    with shop_box(davit) as box:
        box.start()
        wait_online(box)
        second = box.exec(["/usr/local/bin/davit", "run"])
        assert second.returncode == 125
        assert "davit" in second.stdout
        assert status(box)["phase"] == "online"


def test_davit_that_is_not_pid_1_reaps_as_a_subreaper(davit):
    command = ["/bin/sh", "-c", "/usr/local/bin/davit run & echo $! > /tmp/pid; wait $!; echo ended with $?"]
    files = {"/usr/local/bin/davit": davit, "/etc/davit/10-shop.yaml": SHOP.encode()}
    with Box(command, files=files) as box:
        box.start()
        wait_online(box)
        orphan = box.exec(["/bin/sh", "-c", "kill -TERM $(cat /tmp/pid)"])
        assert orphan.returncode == 0
        assert box.wait() == 0
        assert "ended with 0" in box.output()


def test_system_calls_that_an_old_kernel_lacks_are_done_without(davit):
    refused = ["close_range", "clone3", "pidfd_open", "openat2", "faccessat2", "statx", "epoll_pwait2", "io_uring_setup"]
    with shop_box(davit, refused=refused) as box:
        box.start()
        wait_online(box)
        box.kill(signal.SIGTERM)
        assert box.wait() == 0


HOG = "blocks = []\nwhile True: blocks.append(bytearray(8 << 20))"


@pytest.mark.parametrize("command, end", [
    (["/usr/bin/python3", "-c", HOG], "SIGKILL"),
    (["/bin/sh", "-c", f"/usr/bin/python3 -c '{HOG}'; exit $$?"], "exit code 137"),
], ids=["main itself", "a command of its shell"])
def test_an_out_of_memory_kill_is_named_in_the_termination_log(davit, command, end):
    configuration = f"services: {{shop: {{main: true, command: {json.dumps(command)}}}}}"
    with Box(["/usr/local/bin/davit", "run", "-c", "/etc/davit/a.yaml"], memory=96 << 20,
             files={"/usr/local/bin/davit": davit, "/etc/davit/a.yaml": configuration.encode()}) as box:
        box.start()
        assert box.wait() == 137
        assert box.termination_message() == f"shop ended: {end}, out of memory (container limit 96 MiB)\n"


def test_few_processes_mean_backoff_and_never_an_exit(davit):
    configuration = """
services:
  shop: {main: true, dependsOn: [], command: [/bin/sleep, "600"]}
  second: {dependsOn: [], command: [/bin/sleep, "600"], backoff: {initialSeconds: 0.2, maxSeconds: 0.4}}
  third: {dependsOn: [], command: [/bin/sleep, "600"], backoff: {initialSeconds: 0.2, maxSeconds: 0.4}}
"""
    with Box(["/usr/local/bin/davit", "run", "-c", "/etc/davit/a.yaml"], process_limit=3,
             files={"/usr/local/bin/davit": davit, "/etc/davit/a.yaml": configuration.encode()}) as box:
        box.start()
        eventually(lambda: "esource temporarily unavailable" in box.output(), "the refusal is told")
        assert box.running()
        box.kill(signal.SIGTERM)
        assert box.wait() in (143, 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, 37])
def test_every_stop_signal_of_a_runtime_stops(davit, number):
    with shop_box(davit) as box:
        box.start()
        wait_online(box)
        box.kill(number)
        assert box.wait() == 0


def test_install_copies_the_binary_for_another_container(davit):
    with Box(["/davit", "install", "/shared"], root="empty", files={"/davit": davit}, tmpfs=("/shared",)) as box:
        box.start()
        assert box.wait() == 0


def test_a_container_log_that_nobody_reads_does_not_hold_the_end(davit):
    # `runc run` keeps the pipe; a reader that stopped is a process that is stopped.
    command = [davit, "run", "--", "sh", "-c", "yes | head -c 1000000 & sleep 0.2; exit 5"]
    reader = subprocess.Popen(["sleep", "600"], stdin=subprocess.PIPE)
    try:
        process = subprocess.Popen(list(map(str, command)), stdout=reader.stdin, env={"PATH": "/usr/bin:/bin", "DAVIT_SOCKET": "@davit-test-end"})
        assert process.wait(30) == 5
    finally:
        reader.kill()
        reader.wait()
