# SPDX-License-Identifier: Apache-2.0
"""Services that speak sd_notify: systemd-notify, rsyslog, HAProxy, and scripts that do it badly."""

import json
import shutil
import signal
import socket
import time
import urllib.request
from pathlib import Path

import pytest
from davit_process import Davit, eventually, script

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "notify"
MAIN = 'm: {main: true, command: [sleep, "1000"]}'

needs_systemd_notify = pytest.mark.skipif(not shutil.which("systemd-notify"),
                                          reason="systemd-notify is not installed: packaging/setup test")


def speaker(text):
    """A service in Python: `say(TEXT)` sends a datagram, `note(WORD)` appends to the trace."""
    prelude = ("import os, signal, socket, sys, time\n"
               "peer = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
               "place = os.environ['NOTIFY_SOCKET']\n"
               "def say(text): peer.sendto(text.encode(), place.replace('@', chr(0), 1))\n"
               "def note(word): print(word, file=open(os.environ['T'] + '/trace', 'a'))\n")
    return json.dumps(["/usr/bin/python3", "-c", (prelude + text).replace("$", "$$")])


def free_port():
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        return reserved.getsockname()[1]


def why(davit, name):
    return davit.service(name)["why"]


def wait_why(davit, name, text):
    return eventually(lambda: text in why(davit, name), f"the why of {name} has {text!r}")


# ---- the example, with real daemons ----------------------------------------------------------------------------------


@needs_systemd_notify
@pytest.mark.skipif(not (shutil.which("haproxy") and shutil.which("rsyslogd")), reason="haproxy or rsyslog is missing")
def test_the_example_lives_from_first_to_last(tmp_path):
    port, log_port = free_port(), free_port()
    environment = {"EXAMPLE": str(EXAMPLE), "PORT": str(port), "LOG_PORT": str(log_port),
                   "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    with Davit(tmp_path, arguments=["-c", str(EXAMPLE / "davit.yaml")], env=environment) as davit:
        davit.wait_phase("online")
        davit.stderr.wait_for(r"collector running \(startup probe: READY=1\)")
        davit.stderr.wait_for(r"gateway running \(startup probe: READY=1\)")
        wait_why(davit, "worker", "ready: READY=1; it says: working")
        assert urllib.request.urlopen(f"http://127.0.0.1:{port}/").read() == b"hello\n"
        socket.create_connection(("127.0.0.1", log_port)).sendall(b"a line for the collector\n")
        davit.stdout.wait_for("a line for the collector")

        pid = davit.service("gateway")["pid"]
        assert davit.ctl("signal", "USR2", "gateway").returncode == 0
        davit.stderr.wait_for("Loading success|New worker", count=2)
        assert davit.service("gateway")["pid"] == pid
        assert davit.status()["ready"]

        assert davit.ctl("signal", "STOP", "worker").returncode == 0
        davit.stderr.wait_for(r"worker stopping \(liveness probe failed: no WATCHDOG=1 for 3 s\)")
        davit.stderr.wait_for(r"worker ready \(READY=1\)", count=2)

        davit.signal(signal.SIGTERM)
        assert davit.wait() == 0
        davit.stdout.wait_for("worker: nothing is lost")


# ---- systemd-notify --------------------------------------------------------------------------------------------------


@needs_systemd_notify
def test_systemd_notify_speaks_for_its_service(tmp_path):
    configuration = f"""
services:
  web:
    command: {script("systemd-notify --status='loading models'; until [ -e $T/go ]; do sleep 0.05; done; "
                     "systemd-notify --ready --status='well'; until [ -e $T/end ]; do sleep 0.05; done; "
                     "systemd-notify STOPPING=1; exec sleep 1000")}
    startupProbe: {{notify: {{}}, periodSeconds: 10}}
    readinessProbe: {{notify: {{}}}}
  {MAIN}
"""
    with Davit(tmp_path, configuration) as davit:
        wait_why(davit, "web", "(no READY=1 yet); it says: loading models")
        (tmp_path / "go").touch()
        davit.wait_phase("online")
        wait_why(davit, "web", "ready: READY=1; it says: well")
        (tmp_path / "end").touch()
        davit.stderr.wait_for(r"web not ready \(STOPPING=1\)")
        wait_why(davit, "web", "not ready: STOPPING=1; it ends by itself")
        assert davit.ctl("probe", "ready").returncode == 1


def test_a_service_that_never_says_ready_fails_its_startup(tmp_path):
    configuration = f"""
services:
  web:
    command: {script("note start; exec sleep 1000")}
    startupProbe: {{notify: {{}}, periodSeconds: 0.3, failureThreshold: 2}}
  {MAIN}
"""
    with Davit(tmp_path, configuration) as davit:
        davit.stderr.wait_for(r"web stopping \(startup probe failed: no READY=1 within 0.6 s\)")
        davit.wait_trace("start", count=2)


def test_main_is_ready_by_its_own_word_and_fails_by_its_own_silence(tmp_path):
    configuration = f"""
services:
  m:
    main: true
    command: {speaker("say('READY=1'); say('WATCHDOG=1'); note('up'); time.sleep(1000)")}
    readinessProbe: {{notify: {{}}}}
    livenessProbe: {{notify: {{}}, periodSeconds: 0.5, failureThreshold: 2}}
"""
    with Davit(tmp_path, configuration) as davit:
        davit.wait_phase("online")
        assert davit.wait() != 0
        assert "m failed: liveness probe failed: no WATCHDOG=1 for 1 s" in davit.termination_log.read_text()


# ---- time ------------------------------------------------------------------------------------------------------------


def test_a_stop_that_asks_for_more_time_gets_it(tmp_path):
    ends = ("def end(*_):\n"
            "    say('STOPPING=1\\nEXTEND_TIMEOUT_USEC=20000000\\nSTATUS=flushing'); time.sleep(2); note('flushed'); sys.exit(0)\n"
            "signal.signal(signal.SIGTERM, end); say('READY=1')\n"
            "while True: time.sleep(1)\n")
    configuration = f"""
services:
  web:
    command: {speaker(ends)}
    readinessProbe: {{notify: {{}}}}
    terminationGracePeriodSeconds: 0.5
  {MAIN}
"""
    with Davit(tmp_path, configuration) as davit:
        davit.wait_phase("online")
        stop = davit.start_ctl("stop", "web")
        wait_why(davit, "web", "it says: flushing")
        assert stop.wait(30) == 0
        assert davit.trace() == ["flushed"]
        assert davit.service("web")["lastExit"]["code"] == 0


def test_a_stop_command_has_the_time_that_its_service_asked_for(tmp_path):
    ends = ("signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); say('READY=1')\n"
            "while not os.path.exists(os.environ['T'] + '/asked'): time.sleep(0.02)\n"
            "say('EXTEND_TIMEOUT_USEC=20000000'); note('extended')\n"
            "while True: time.sleep(1)\n")
    configuration = f"""
services:
  web:
    command: {speaker(ends)}
    stopCommand: {script("touch $T/asked; until grep -q extended $T/trace; do sleep 0.05; done; sleep 3; note flushed; exit 1")}
    readinessProbe: {{notify: {{}}}}
    terminationGracePeriodSeconds: 3
  {MAIN}
"""
    with Davit(tmp_path, configuration) as davit:
        davit.wait_phase("online")
        assert davit.ctl("stop", "web").returncode == 0
        assert davit.trace() == ["extended", "flushed"]
        assert davit.service("web")["lastExit"]["code"] == 0


def test_a_stop_that_asks_for_ever_ends_with_the_budget(tmp_path):
    ends = ("signal.signal(signal.SIGTERM, lambda *_: None); say('READY=1')\n"
            "while True: say('EXTEND_TIMEOUT_USEC=900000000'); time.sleep(0.1)\n")
    configuration = f"""
terminationGracePeriodSeconds: 4
services:
  web:
    command: {speaker(ends)}
    readinessProbe: {{notify: {{}}}}
  {MAIN}
"""
    with Davit(tmp_path, configuration) as davit:
        davit.wait_phase("online")
        began = time.monotonic()
        davit.signal(signal.SIGTERM)
        assert davit.wait() == 143
        assert time.monotonic() - began < 4


# ---- what is not for a service ------------------------------------------------------------------------------------------


def test_the_notify_socket_of_whoever_started_davit_does_not_leak(tmp_path):
    configuration = f"""
services:
  web:
    command: {script("note web:$NOTIFY_SOCKET:$WATCHDOG_USEC:$WATCHDOG_PID; exec sleep 1000")}
  m:
    main: true
    command: {script("note m:$NOTIFY_SOCKET:$WATCHDOG_USEC:$WATCHDOG_PID; exec sleep 1000")}
    startupProbe: {{notify: {{}}}}
"""
    with Davit(tmp_path, configuration, env={"NOTIFY_SOCKET": "/outer", "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1"}) as davit:
        davit.wait_trace("web:::")
        davit.wait_trace(f"m:{davit.socket}.m::")


def test_a_plain_init_hands_its_notify_socket_to_the_command(tmp_path):
    with Davit(tmp_path, arguments=["--", "sh", "-c", "echo $NOTIFY_SOCKET"], env={"NOTIFY_SOCKET": "/outer"}) as davit:
        assert davit.wait() == 0
        assert davit.stdout.lines() == ["/outer"]


def test_a_stranger_does_not_speak_for_a_service(tmp_path):
    stranger = ("place = os.environ['T'] + '/davit.sock.web'\n"
                "while not os.path.exists(place): time.sleep(0.02)\n"
                "say('READY=1'); note('said'); time.sleep(1000)\n")
    configuration = f"""
services:
  web:
    command: {script("exec sleep 1000")}
    readinessProbe: {{notify: {{}}}}
  other:
    command: {speaker(stranger)}
    readinessProbe: {{notify: {{}}}}
  m: {{main: true, command: [sleep, "1000"], dependsOn: []}}
"""
    with Davit(tmp_path, configuration) as davit:
        davit.stderr.wait_for(r"web has nothing to do with pid \d+ of uid 0, which sent to its notify socket: not taken")
        davit.wait_trace("said")
        assert why(davit, "web") == "not ready: no READY=1 yet"


def test_somebody_outside_the_container_does_not_speak_for_a_service(tmp_path):
    configuration = f"""
services:
  m:
    main: true
    command: {script("note up; exec sleep 1000")}
    readinessProbe: {{notify: {{}}}}
"""
    with Davit(tmp_path, configuration) as davit:
        davit.wait_trace("up")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as peer:
            peer.sendto(b"READY=1", str(tmp_path / "davit.sock.m"))
        davit.stderr.wait_for(r"m has nothing to do with pid 0 of uid 0, which sent to its notify socket: not taken")
        assert why(davit, "m") == "not ready: no READY=1 yet"


def test_what_davit_does_not_use_is_said_once(tmp_path):
    configuration = f"""
services:
  m:
    main: true
    command: {speaker("say('MAINPID=7'); say('MAINPID=7'); say('FDSTORE=1'); say('READY=1'); time.sleep(1000)")}
    readinessProbe: {{notify: {{}}}}
"""
    with Davit(tmp_path, configuration) as davit:
        davit.wait_phase("online")
        lines = [line for line in davit.stderr.lines() if "davit does not use it" in line]
        assert len([line for line in lines if "m sent MAINPID to its notify socket" in line]) == 1
        assert len([line for line in lines if "m sent FDSTORE to its notify socket" in line]) == 1


def test_a_flood_of_notifications_harms_nobody(tmp_path):
    flood = ("say('READY=1')\n"
             "while True: say('STATUS=' + 'x' * 4000 + '\\nWATCHDOG=1')\n")
    configuration = f"""
services:
  loud:
    command: {speaker(flood)}
    readinessProbe: {{notify: {{}}}}
    livenessProbe: {{notify: {{}}, periodSeconds: 2}}
  quiet:
    command: [sleep, "1000"]
    readinessProbe: {{exec: {{command: ["true"]}}, periodSeconds: 0.1, timeoutSeconds: 5}}
  {MAIN}
"""
    with Davit(tmp_path, configuration) as davit:
        davit.wait_phase("online")
        for _ in range(20):
            assert davit.ctl("probe", "live", "--timeout", "10").returncode == 0
        assert davit.status()["ready"]
        assert davit.service("loud")["restarts"] == 0
        davit.signal(signal.SIGTERM)
        assert davit.wait() == 143


def test_each_attempt_is_heard_on_a_socket_of_its_own(tmp_path):
    configuration = f"""
services:
  web:
    command: {speaker("say('READY=1'); note('up'); time.sleep(0.3); sys.exit(1)")}
    readinessProbe: {{notify: {{}}}}
    backoff: {{initialSeconds: 0.1, maxSeconds: 0.1}}
  {MAIN}
"""
    with Davit(tmp_path, configuration) as davit:
        davit.wait_trace("up", count=3)
        davit.stderr.wait_for(r"web ready \(READY=1\)", count=3)
        assert davit.ctl("stop", "web").returncode == 0
        eventually(lambda: not (tmp_path / "davit.sock.web").exists(), "its socket is gone with it")
