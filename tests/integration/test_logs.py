# SPDX-License-Identifier: Apache-2.0
"""Where the output of services goes, what is kept of it, and what happens where it cannot go anywhere."""

import fcntl
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from davit_process import MAIN, Davit, Output, eventually, script

OBJECTS = script(r"""printf 'a"b\377\n'; echo bad >&2""")
GONE = script("echo nobody sees it; where=$(readlink /proc/$$/fd/1); echo $where > $T/where")
MODES = f"""
services:
  prefixed: {{oneshot: true, command: {script("echo one; printf two")}}}
  plain: {{oneshot: true, logs: plain, command: {script("echo as it is")}}}
  objects: {{oneshot: true, logs: json, command: {OBJECTS}}}
  gone: {{oneshot: true, logs: discard, command: {GONE}}}
  filed: {{oneshot: true, logs: {{file: {{path: DIR/logs/filed.log}}}}, command: {script("echo out; echo err >&2")}}}
  shop: {{main: true, command: {MAIN}}}
"""


def test_each_mode_writes_what_it_says(tmp_path):
    with Davit(tmp_path, MODES.replace("DIR", str(tmp_path))) as davit:
        davit.wait_phase("online")
        davit.signal(signal.SIGTERM)
        davit.wait()
        lines = davit.stdout.wait_end()
        objects = [json.loads(line) for line in lines if line.startswith("{")]
        assert sorted(line for line in lines if not line.startswith("{")) == ["[prefixed] one", "[prefixed] two",
                                                                             "as it is"]
        assert [(one["service"], one["stream"], one["message"]) for one in objects] == [("objects", "stdout", 'a"b\ufffd')]
        assert list(objects[0]) == ["time", "service", "stream", "message"]
        assert '"stream":"stderr","message":"bad"}' in davit.stderr.text()
        assert sorted((tmp_path / "logs/filed.log").read_text().splitlines()) == ["err", "out"]
        assert (tmp_path / "where").read_text() == "/dev/null\n"
        assert "nobody sees it" not in davit.stdout.text() + davit.stderr.text()


def test_davits_own_lines_and_those_of_steps_are_json_where_it_is_asked_for(tmp_path):
    configuration = f"""
logs: {{format: json}}
services: {{shop: {{main: true, command: {MAIN}}}}}
lifecycle: {{preload: {{exec: {{command: {script("echo warm")}}}}}}}
"""
    with Davit(tmp_path, configuration) as davit:
        davit.stderr.wait_for("phase online")
        davit.signal(signal.SIGTERM)
        davit.wait()
        objects = [json.loads(line) for line in davit.stderr.wait_end() if line != "Terminated"]  # main's shell
        assert all(list(one) == ["time", "level", "source", "message"] for one in objects)
        assert any(one["message"].startswith("phase online") for one in objects)
        step = [json.loads(line) for line in davit.stdout.wait_end()]
        assert [(one["step"], one["stream"], one["message"]) for one in step] == [("preload", "stdout", "warm")]


KEPT = f"""
services:
  first: {{command: {script('echo first 1; echo first 2; note up; exec sleep 600')}, backoff: {{initialSeconds: 0.05}}}}
  second: {{command: {script('echo second 1; note up; exec sleep 600')}, dependsOn: [first]}}
  silent: {{command: {script('exec sleep 600')}, logs: discard}}
  shop: {{main: true, command: {MAIN}}}
"""


def test_logs_shows_what_is_kept_of_one_service_of_several_and_of_all(tmp_path):
    with Davit(tmp_path, KEPT) as davit:
        davit.wait_phase("online")
        davit.stdout.wait_for("second 1")
        assert davit.ctl("logs", "first").stdout == "first 1\nfirst 2\n"
        assert davit.ctl("logs", "-n", "1", "first").stdout == "first 2\n"
        assert davit.ctl("logs", "-n", "0").stdout == ""
        assert sorted(davit.ctl("logs").stdout.splitlines()) == ["[first] first 1", "[first] first 2", "[second] second 1"]
        assert len(davit.ctl("logs", "-n2", "first", "second").stdout.splitlines()) == 2
        lines = [json.loads(line) for line in davit.ctl("logs", "-o", "json", "second").stdout.splitlines()]
        assert [list(line) for line in lines] == [["time", "service", "stream", "message"]]
        assert lines[0]["message"] == "second 1" and lines[0]["time"].endswith("Z")


def test_of_what_is_not_kept_logs_says_why(tmp_path):
    with Davit(tmp_path, KEPT) as davit:
        davit.wait_phase("online")
        raw = davit.ctl("logs", "shop")
        assert (raw.returncode, raw.stdout) == (1, "")
        assert raw.stderr == "davit logs: shop writes to the container's log itself (logs: raw): see kubectl logs\n"
        discarded = davit.ctl("logs", "silent")
        assert discarded.stderr == "davit logs: the output of silent is thrown away (logs: discard)\n"
        both = davit.ctl("logs", "first", "shop")
        assert both.returncode == 0 and both.stdout == "[first] first 1\n[first] first 2\n"
        assert both.stderr == raw.stderr
        unknown = davit.ctl("logs", "frist")
        assert unknown.returncode == 1
        assert unknown.stderr == 'davit logs: unknown service "frist" (did you mean "first"?)\n'
        assert davit.ctl("logs", "-n", "some").returncode == 2


def test_a_follower_hears_a_service_over_its_restarts(tmp_path):
    with Davit(tmp_path, KEPT) as davit:
        davit.wait_phase("online")
        follower = davit.start_ctl("logs", "-f", "first")
        lines = Output(follower.stdout.buffer)
        lines.wait_for("^first 2$")
        davit.ctl("signal", "KILL", "first")
        lines.wait_for("^first 2$", count=2)
        davit.ctl("restart", "first")
        lines.wait_for("^first 2$", count=3)
        davit.signal(signal.SIGTERM)
        follower.wait(timeout=30)


def test_a_follower_that_is_too_slow_is_told_what_it_lost(tmp_path):
    writer = script("echo begin; read go < $T/go; seq 1 300000; note written; read end < $T/go")
    configuration = f"services: {{much: {{command: {writer}}}, shop: {{main: true, command: {MAIN}}}}}"
    os.mkfifo(tmp_path / "go")
    with Davit(tmp_path, configuration) as davit:
        davit.wait_phase("online")
        follower = davit.start_ctl("logs", "-f", "much")
        assert follower.stdout.buffer.readline() == b"begin\n"
        (tmp_path / "go").write_text("on\n")
        davit.wait_trace("written")
        lines = Output(follower.stdout.buffer)
        notes = Output(follower.stderr.buffer)
        lines.wait_for("^300000$")
        lost = sum(int(line.split()[3]) for line in notes.lines())
        assert len(lines.lines()) + lost == 300000
        assert lost == 0 or notes.lines()[0].endswith("lines were not read in time")
        follower.kill()
        follower.wait()


def test_a_service_that_writes_as_fast_as_it_can_starves_nobody(tmp_path):
    configuration = f"""
terminationGracePeriodSeconds: 20
services:
  flood: {{command: ["yes"], logs: json}}
  watched: {{command: {script("yes no match")}, startupProbe: {{log: {{pattern: "^never$"}}, failureThreshold: 1000}},
             logs: discard, dependsOn: [flood]}}
  shop:
    main: true
    command: {MAIN}
    dependsOn: []
    livenessProbe: {{exec: {{command: {script("note asked")}}}, periodSeconds: 0.1}}
lifecycle:
  readyTimeoutSeconds: 600
  goOnline: manual
"""
    with open(os.devnull, "wb") as nowhere, Davit(tmp_path, configuration, stdout=nowhere) as davit:
        davit.wait_trace("asked", count=5)
        began = time.monotonic()
        assert davit.ctl("status").returncode == 0
        assert davit.ctl("prestop").returncode == 0
        assert "note" not in davit.ctl("logs", "-n", "3", "flood").stderr
        davit.signal(signal.SIGTERM)
        davit.wait()
        assert time.monotonic() - began < 20


def test_with_a_log_that_nobody_reads_the_stop_comes_in_time_and_what_was_relayed_is_whole(tmp_path):
    writer = 'i=0; while :; do i=$((i+1)); echo "NAME $i of a service that writes a lot into its log"; done'
    configuration = f"""
terminationGracePeriodSeconds: 15
services:
  a: {{command: {script(writer.replace("NAME", "a"))}}}
  b: {{command: {script(writer.replace("NAME", "b"))}, logs: json}}
  sick: {{command: [sleep, "600"], livenessProbe: {{exec: {{command: ["false"]}}, periodSeconds: 0.1, failureThreshold: 1}},
         backoff: {{initialSeconds: 0.1}}}}
  shop:
    main: true
    command: {MAIN}
    livenessProbe: {{exec: {{command: {script("note asked; echo x")}}}, periodSeconds: 0.1}}
"""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 65536)
    with os.fdopen(reader, "rb") as stream:
        with Davit(tmp_path, configuration, stdout=writer) as davit:
            os.close(writer)
            davit.wait_phase("online")
            davit.wait_trace("asked", count=3)
            eventually(lambda: davit.service("sick")["restarts"] >= 1, "a failed probe restarts its service")
            text = stream.read(500_000)  # the reader comes back for a while
            davit.wait_trace("asked", count=len(davit.trace()) + 3)
            began = time.monotonic()
            assert davit.ctl("prestop").returncode == 0
            davit.signal(signal.SIGTERM)
            davit.wait()
            assert time.monotonic() - began < 15
        lines = (text + stream.read()).decode().splitlines()
    prefixed = [line for line in lines if line.startswith("[a] ")]
    objects = [line for line in lines if line.startswith("{")]
    assert len(prefixed) + len(objects) == len(lines)
    text = "of a service that writes a lot into its log"
    torn = 1  # the last line: davit waits 0.5 s for a log that nobody reads
    for number, line in enumerate(prefixed[:-torn], 1):
        assert line == f"[a] a {number} {text}"
    messages = [json.loads(line)["message"] for line in objects[:-torn]]
    assert messages == [f"b {number} {text}" for number in range(1, len(messages) + 1)]


def test_a_disk_without_room_costs_lines_and_nothing_else(tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    disk = script(f"mount -t tmpfs -o size=64k none {small} || echo refused > $T/refused; head -c 65536 /dev/zero > {small}/full")
    writer = script("while :; do echo a line that needs some room on the disk; sleep 0.01; done")
    configuration = f"""
services:
  disk: {{oneshot: true, command: {disk}}}
  web: {{command: {writer}, dependsOn: [disk], logs: {{file: {{path: {small}/web.log}}}}}}
  shop: {{main: true, command: {MAIN}}}
"""
    with Davit(tmp_path, configuration.replace("disk: {oneshot: true,", "disk: {oneshot: true, successExitCodes: [0, 1],")) as davit:
        davit.wait_phase("online")
        if (tmp_path / "refused").exists():
            pytest.skip("no tmpfs can be mounted here")
        line = davit.stderr.wait_for("web: cannot (open|write)")
        assert line.endswith(f"{small}/web.log: no space left on device; its lines are dropped until that works again")
        seen = Path(f"/proc/{davit.pid}/root{small}")
        (seen / "full").unlink()
        line = davit.stderr.wait_for("web.log is written again")
        dropped = int(line.split(", ")[1].split()[0])
        assert dropped > 0
        assert line.endswith(" lines were dropped") or line.endswith(" line was dropped")
        davit.ctl("stop", "web")
        inside = ["nsenter", f"--target={davit.pid}", "--pid", "--mount"]
        curl = ["curl", "-sS", "--unix-socket", davit.environment["DAVIT_SOCKET"], "http://davit/metrics"]
        metrics = subprocess.run([*inside, *curl], capture_output=True, text=True, timeout=30, check=True).stdout
        assert f"\ndavit_log_dropped_lines_total {dropped}\n" in metrics
        lines = (seen / "web.log").read_text().splitlines()
        assert set(lines) == {"a line that needs some room on the disk"}
        assert davit.ctl("logs", "web").stdout.count("\n") >= len(lines) + dropped
        assert davit.status()["phase"] == "online"
