# SPDX-License-Identifier: Apache-2.0
"""The life of a rich container: order, steps, hooks, the end."""

import contextlib
import signal

import pytest
from davit_process import DEADLINE, MAIN, MAIN_IS_UP, Davit, eventually, script

LIFE = f"""
app: shop
terminationGracePeriodSeconds: 30
services:
  log:
    command: {script("trap 'note log-term; exit 0' TERM; note log-start; : > $T/log-up; while :; do sleep 0.05; done")}
    startupProbe: {{exec: {{command: [test, -e, "${{T}}/log-up"]}}}}
  mesh:
    command: {script("trap 'note mesh-term; exit 0' TERM; note mesh-start; : > $T/mesh-ready; while :; do sleep 0.05; done")}
    dependsOn: [log]
    readinessProbe: {{exec: {{command: [test, -e, "${{T}}/mesh-ready"]}}, periodSeconds: 1}}
  shop:
    main: true
    command: {MAIN}
    startupProbe: {MAIN_IS_UP}
lifecycle:
  preload: {{exec: {{command: {script("note preload $DAVIT_STEP $DAVIT_REASON $DAVIT_ATTEMPT; echo warm")}}}}}
  online: {{exec: {{command: {script("note online $DAVIT_REASON")}}}}}
  offline: {{exec: {{command: {script("note offline $DAVIT_REASON")}}}}}
  stop: {{exec: {{command: {script("note stop $DAVIT_REASON; kill -0 $DAVIT_MAIN_PID && note main-lives")}}}}}
"""

UP = ["log-start", "mesh-start", "main-start", "preload preload start 1", "online start"]


def test_starts_in_order_and_goes_online(tmp_path):
    with Davit(tmp_path, LIFE) as davit:
        davit.wait_phase("online")
        assert davit.trace() == UP
        status = davit.status()
        assert (status["app"], status["phase"], status["ready"], status["live"]) == ("shop", "online", True, True)
        assert [service["state"] for service in status["services"]] == ["running"] * 3
        assert "[preload] warm" in davit.stdout.text() + davit.stderr.text()


def test_prestop_then_sigterm_stops_in_reverse_order(tmp_path):
    with Davit(tmp_path, LIFE) as davit:
        davit.wait_phase("online")
        prestop = davit.ctl("prestop")
        assert prestop.returncode == 0, prestop.stderr
        assert davit.trace() == UP + ["offline prestop", "stop prestop", "main-lives", "main-term"]
        assert davit.is_running()
        assert davit.service("shop")["state"] == "stopped"
        davit.signal(signal.SIGTERM)
        assert davit.wait() == 0
        assert davit.trace()[-2:] == ["mesh-term", "log-term"]
        assert davit.termination_log.read_text() == ""


def test_a_bare_sigterm_runs_the_same_path_once(tmp_path):
    with Davit(tmp_path, LIFE) as davit:
        davit.wait_phase("online")
        davit.signal(signal.SIGTERM)
        assert davit.wait() == 0
        assert davit.trace() == UP + ["offline signal", "stop signal", "main-lives", "main-term", "mesh-term", "log-term"]


def test_prestop_twice_at_once_joins(tmp_path):
    with Davit(tmp_path, LIFE) as davit:
        davit.wait_phase("online")
        first, second = davit.start_ctl("prestop"), davit.start_ctl("prestop")
        assert (first.wait(DEADLINE), second.wait(DEADLINE)) == (0, 0)
        assert davit.ctl("prestop").returncode == 0
        assert [line for line in davit.trace() if line.startswith("offline")] == ["offline prestop"]


def test_poststart_waits_until_online(tmp_path):
    configuration = LIFE.replace("note preload", "while [ ! -e $T/go ]; do sleep 0.05; done; note preload")
    with Davit(tmp_path, configuration) as davit:
        hook = davit.start_ctl("poststart")
        out = hook.stdout.readline()
        assert hook.poll() is None
        (tmp_path / "go").touch()
        rest, err = hook.communicate(timeout=DEADLINE)
        assert hook.returncode == 0, err
        out += rest
        assert "warm" in out and "online" in out


def test_poststart_before_davit_listens_keeps_trying(tmp_path):
    with Davit(tmp_path, LIFE) as davit:
        assert davit.ctl("poststart", "--timeout", "20").returncode == 0


def test_main_that_ends_gives_its_code_and_runs_offline(tmp_path):
    configuration = LIFE.replace(MAIN, script("note main-start; echo $$ > $T/main-up; while [ ! -e $T/end ]; do sleep 0.05; done; exit 3"))
    with Davit(tmp_path, configuration) as davit:
        davit.wait_phase("online")
        (tmp_path / "end").touch()
        assert davit.wait() == 3
        assert davit.trace() == UP + ["offline exit", "mesh-term", "log-term"]
        assert davit.termination_log.read_text().startswith("shop ended: exit code 3")


def test_a_failed_preload_ends_with_121_and_says_why(tmp_path):
    configuration = LIFE.replace("echo warm", "echo cannot reach cache; exit 7")
    with Davit(tmp_path, configuration) as davit:
        assert davit.wait() == 121
        assert "offline" not in " ".join(davit.trace())
        assert davit.termination_log.read_text().startswith("the start failed: preload failed: exit code 7")


def test_offline_and_online_by_hand(tmp_path):
    with Davit(tmp_path, LIFE) as davit:
        davit.wait_phase("online")
        assert davit.ctl("offline").returncode == 0
        assert davit.ctl("probe", "ready").returncode == 1
        assert davit.ctl("probe", "live").returncode == 0
        assert davit.ctl("online").returncode == 0
        assert davit.ctl("probe", "ready").returncode == 0
        assert davit.trace() == UP + ["offline manual", "online manual"]


def test_stop_of_main_by_hand_holds_it(tmp_path):
    with Davit(tmp_path, LIFE) as davit:
        davit.wait_phase("online")
        assert davit.ctl("stop", "shop").returncode == 0
        assert davit.service("shop")["state"] == "held"
        assert davit.service("mesh")["state"] == "running"
        assert davit.ctl("probe", "live").returncode == 0
        started = davit.ctl("start", "shop")
        assert started.returncode == 0, started.stderr
        assert davit.status()["phase"] == "online"


def test_restart_of_main_by_hand_goes_through_offline_and_stop(tmp_path):
    with Davit(tmp_path, LIFE) as davit:
        davit.wait_phase("online")
        pid = davit.service("shop")["pid"]
        assert davit.ctl("restart", "shop").returncode == 0
        assert davit.service("shop")["pid"] != pid
        assert davit.trace()[5:] == ["offline manual", "stop manual", "main-lives", "main-term", "main-start",
                                     "preload preload start 1", "online manual"]


def test_hold_keeps_a_failed_start_as_it_is(tmp_path):
    configuration = LIFE.replace("note online $DAVIT_REASON", "note online; test -e $T/good") + "  onFailure: hold\n"
    with Davit(tmp_path, configuration) as davit:
        davit.wait_phase("failed")
        assert davit.trace()[-2:] == ["online", "offline failure"]
        hook = davit.ctl("poststart")
        assert hook.returncode == 0 and "failed" in hook.stdout
        assert davit.ctl("probe", "startup").returncode == 0
        assert davit.ctl("probe", "ready").returncode == 1
        assert davit.ctl("online").returncode == 1
        (tmp_path / "good").touch()
        assert davit.ctl("online").returncode == 0
        assert davit.status()["phase"] == "online"


def test_sigterm_while_prestop_waits_takes_everything_down_fast(tmp_path):
    configuration = LIFE.replace("note offline $DAVIT_REASON", "note offline; sleep 600")
    with Davit(tmp_path, configuration) as davit:
        davit.wait_phase("online")
        davit.start_ctl("prestop")
        davit.wait_trace("offline")
        davit.signal(signal.SIGTERM)
        davit.wait(10)
        assert davit.trace().count("offline") == 1
        assert "main-term" in davit.trace() and "log-term" in davit.trace()
        assert not any(line.startswith("stop ") for line in davit.trace())


def test_a_second_sigterm_from_outside_means_now(tmp_path):
    configuration = LIFE.replace("note offline $DAVIT_REASON", "note offline; sleep 600")
    with Davit(tmp_path, configuration) as davit:
        davit.wait_phase("online")
        davit.signal(signal.SIGTERM)
        davit.wait_trace("offline")

        def is_gone_after_another():
            with contextlib.suppress(ProcessLookupError):  # it ends at any moment
                davit.signal(signal.SIGTERM)
            return not davit.is_running()

        eventually(is_gone_after_another, "davit is gone", 10)
        assert davit.wait() == 137


def test_sigterm_from_inside_stops_too(tmp_path):
    with Davit(tmp_path, LIFE.replace(": > $T/log-up", ": > $T/log-up; while [ ! -e $T/go ]; do sleep 0.05; done; kill 1")) as davit:
        davit.wait_phase("online")
        (tmp_path / "go").touch()
        assert davit.wait() == 0


def test_the_drain_waits_for_open_connections(tmp_path):
    configuration = """
terminationGracePeriodSeconds: 30
services:
  shop:
    main: true
    command: [/usr/bin/python3, -c, "import socket,time,sys\\ns=socket.create_server(('127.0.0.1',18080))\\nprint('up',flush=True)\\nc=s.accept()[0]\\nprint('taken',flush=True)\\ntime.sleep(600)"]
    logs: prefix
lifecycle:
  drain: {minSeconds: 0, maxSeconds: 20, ports: [18080]}
"""
    import socket
    with Davit(tmp_path, configuration) as davit:
        davit.stdout.wait_for("up")
        with socket.create_connection(("127.0.0.1", 18080)):
            davit.stdout.wait_for("taken")
            davit.wait_phase("online")
            prestop = davit.start_ctl("prestop")
            davit.wait_phase("draining")
            eventually(lambda: davit.status()["phase"] == "draining", "it drains")
            assert prestop.poll() is None
        assert prestop.wait(DEADLINE) == 0
        davit.wait_phase("stopped")


@pytest.mark.parametrize("name", ["HUP", "USR1", "USR2", "WINCH"])
def test_other_signals_go_to_main(tmp_path, name):
    number = int(getattr(signal, "SIG" + name))  # dash does not know WINCH by name
    configuration = LIFE.replace(MAIN, script(f"trap 'note got-{name}' {number}; trap 'exit 0' TERM; note main-start; echo $$ > $T/main-up; while :; do sleep 0.05; done"))
    with Davit(tmp_path, configuration) as davit:
        davit.wait_phase("online")
        davit.signal(number)
        davit.wait_trace(f"got-{name}")
        assert davit.status()["phase"] == "online"


def test_main_with_a_restart_policy_begins_the_cycle_again(tmp_path):
    configuration = LIFE.replace("    main: true", "    main: true\n    restartPolicy: Always\n    backoff: {initialSeconds: 0}")
    with Davit(tmp_path, configuration) as davit:
        davit.wait_phase("online")
        davit.ctl("signal", "KILL", "shop")
        davit.wait_trace("online start", count=2)
        assert davit.trace() == UP + ["offline exit"] + UP[2:]
        assert davit.service("shop")["restarts"] == 1
