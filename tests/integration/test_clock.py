# SPDX-License-Identifier: Apache-2.0
"""The machine's clock is set forth and back while davit runs: only times that are shown change. The machine itself keeps
its clock: a preload library plays it (libfaketime does not go with the address sanitizer)."""

import json
import signal
import subprocess
import time
from pathlib import Path

from davit_process import MAIN, Davit, eventually, script

SOURCE = Path(__file__).resolve().parents[1] / "support" / "set_clock.c"

SHOP = f"""
terminationGracePeriodSeconds: 600
services:
  often: {{command: {script("exit 1")}, backoff: {{initialSeconds: 1, factor: 1}}}}
  seldom: {{command: {script("exit 1")}, backoff: {{initialSeconds: 300, maxSeconds: 300}}}}
  slow:
    command: {script("exec sleep 600")}
    startupProbe: {{exec: {{command: ["false"]}}, periodSeconds: 100, failureThreshold: 3}}
  shop:
    main: true
    dependsOn: []
    command: {MAIN}
    livenessProbe: {{exec: {{command: ["true"]}}, periodSeconds: 1, failureThreshold: 1}}
"""


def test_a_clock_that_is_set_changes_nothing_but_the_times_that_are_shown(tmp_path):
    library, clock = tmp_path / "set_clock.so", tmp_path / "clock"
    subprocess.run(["gcc", "-shared", "-fPIC", "-Wall", "-Werror", "-o", str(library), str(SOURCE)], check=True)

    def set_clock(days):
        clock.with_suffix(".new").write_text(f"{days * 86400}\n")
        clock.with_suffix(".new").rename(clock)

    set_clock(0)
    environment = {"LD_PRELOAD": str(library), "SET_CLOCK": str(clock),
                   "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1:verify_asan_link_order=0"}
    # The clients have the true clock.
    with Davit(tmp_path, SHOP, env=environment, mode="plain") as davit:
        davit.environment = {**davit.environment, "LD_PRELOAD": ""}
        davit.wait_phase("online")
        davit.wait_state("seldom", "backoff")
        waits = davit.service("seldom")["restarts"]
        for days in (40, -40, 0):
            restarts = davit.service("often")["restarts"]
            set_clock(days)
            # Two restarts: the timer that ran when the clock was set, and one that was set afterwards.
            eventually(lambda: davit.service("often")["restarts"] >= restarts + 2, "it starts again after a second")
            events = [json.loads(line) for line in davit.ctl("events", "-o", "json").stdout.splitlines()]
            assert events[-1]["time"][:7] == time.strftime("%Y-%m", time.gmtime(time.time() + days * 86400))
            status = {service["name"]: service for service in davit.status()["services"]}
            assert (status["seldom"]["state"], status["seldom"]["restarts"]) == ("backoff", waits)
            assert (status["slow"]["state"], status["slow"]["restarts"]) == ("starting", 0)
            assert (status["shop"]["state"], status["shop"]["restarts"]) == ("running", 0)
            assert status["shop"]["uptimeSeconds"] < 300
            assert davit.status()["phase"] == "online"
        set_clock(400)  # while it stops: the budget is not over
        hook = davit.start_ctl("prestop")
        davit.wait_phase("stopped")
        hook.communicate()
        assert hook.returncode == 0
        davit.signal(signal.SIGTERM)
        assert davit.wait() == 0
        assert davit.trace().count("main-term") == 1
