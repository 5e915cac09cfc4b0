# SPDX-License-Identifier: Apache-2.0
"""What happened when: the journal, as text and JSON, at once and followed."""

import json
import signal
import subprocess

from davit_process import MAIN, Davit, Output, script

SHOP = f"""
services:
  helper: {{command: {script("exec sleep 600")}, backoff: {{initialSeconds: 0.05}}}}
  shop: {{main: true, command: {MAIN}}}
"""


def test_each_change_is_there_with_its_time_and_reason(tmp_path):
    with Davit(tmp_path, SHOP) as davit:
        davit.wait_phase("online")
        events = [json.loads(line) for line in davit.ctl("events", "-o", "json").stdout.splitlines()]
        assert [event["number"] for event in events] == list(range(1, len(events) + 1))
        shop = [(event["from"], event["to"]) for event in events if event["service"] == "shop"]
        assert shop == [("inactive", "blocked"), ("blocked", "starting"), ("starting", "running")]
        pod = [event["to"] for event in events if event["service"] is None]
        assert pod == ["preloading", "checking", "going-online", "online"]
        assert all(event["time"].endswith("Z") for event in events)

        lines = davit.ctl("events").stdout.splitlines()
        assert len(lines) == len(events)
        assert lines[-1].endswith("pod: going-online -> online (no online steps)")


def test_a_follower_hears_what_happens_until_davit_ends(tmp_path):
    with Davit(tmp_path, SHOP) as davit:
        davit.wait_phase("online")
        follower = davit.start_ctl("events", "-f")
        lines = Output(follower.stdout.buffer)
        lines.wait_for("going-online -> online")
        davit.ctl("signal", "KILL", "helper")
        lines.wait_for("helper: running -> backoff .SIGKILL")
        lines.wait_for("helper: starting -> running", count=2)
        davit.signal(signal.SIGTERM)
        lines.wait_for("pod: stopping -> stopped")
        lines.wait_for("helper: stopping -> stopped")  # the last one, before davit itself ends
        follower.wait(timeout=30)


def test_a_follower_that_leaves_or_reads_nothing_harms_nobody(tmp_path):
    with Davit(tmp_path, SHOP) as davit:
        davit.wait_phase("online")
        silent = davit.start_ctl("events", "-f")
        leaver = davit.start_ctl("events", "-f")
        Output(leaver.stdout.buffer).wait_for("online")
        leaver.kill()
        for _ in range(20):
            davit.ctl("restart", "helper")
        assert davit.ctl("probe", "ready").returncode == 0
        silent.kill()
        silent.wait()


def test_a_time_to_follow_ends_with_4_and_a_wrong_parameter_is_400(tmp_path):
    with Davit(tmp_path, SHOP) as davit:
        davit.wait_phase("online")
        assert davit.ctl("events", "-f", "--timeout", "0.5").returncode == 4
        answer = subprocess.run(davit.client_command("events", "-x"), capture_output=True)
        assert answer.returncode == 2
