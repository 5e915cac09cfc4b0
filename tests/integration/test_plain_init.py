# SPDX-License-Identifier: Apache-2.0
"""`davit run -- CMD` without a configuration: an init as small as tini, that also waits for what CMD leaves."""

import os
import signal

import pytest
from davit_process import Davit, eventually


def plain(directory, *command, options=(), **settings):
    return Davit(directory, None, [*options, "--", *command], **settings)


@pytest.mark.parametrize("shell, code", [("exit 0", 0), ("exit 3", 3), ("kill -SEGV $$", 139), ("kill -TERM $$", 143)])
def test_it_exits_as_its_command_does(tmp_path, shell, code):
    with plain(tmp_path, "sh", "-c", shell) as davit:
        assert davit.wait() == code


def test_what_cannot_be_found_is_127_and_what_cannot_run_126(tmp_path):
    with plain(tmp_path, "/nonexistent/program") as davit:
        assert davit.wait() == 127
        assert "no such file or directory" in davit.stderr.text().lower()
    (tmp_path / "data").write_text("no program")
    with plain(tmp_path, str(tmp_path / "data")) as davit:
        assert davit.wait() == 126


@pytest.mark.parametrize("name", ["TERM", "INT", "QUIT", "HUP", "USR1", "USR2", "WINCH", "CONT"])
def test_every_signal_is_passed_on(tmp_path, name):
    command = f"trap 'echo got {name}; exit 5' {name}; echo up; while :; do sleep 0.05; done"
    with plain(tmp_path, "sh", "-c", command) as davit:
        davit.stdout.wait_for("up")
        davit.signal(getattr(signal, "SIG" + name))
        davit.stdout.wait_for(f"got {name}")
        assert davit.wait() == 5


def test_with_g_the_whole_group_gets_the_signal(tmp_path):
    command = "sh -c 'trap \"echo child got it; exit 0\" USR1; echo child up; while :; do sleep 0.05; done' & " \
              "trap 'echo leader got it' USR1; echo leader up; wait; wait"
    with plain(tmp_path, "sh", "-c", command, options=["-g"]) as davit:
        davit.stdout.wait_for("child up")
        davit.stdout.wait_for("leader up")
        davit.signal(signal.SIGUSR1)
        davit.stdout.wait_for("child got it")
        davit.stdout.wait_for("leader got it")


def test_what_the_command_leaves_behind_gets_term(tmp_path):
    command = "(trap 'echo left got term; exit 0' TERM; : > $T/up; while :; do sleep 0.05; done) & " \
              "while [ ! -e $T/up ]; do sleep 0.05; done; exit 4"
    with plain(tmp_path, "sh", "-c", command) as davit:
        assert davit.wait() == 4
        assert "left got term" in davit.stdout.wait_end()


def test_what_escaped_into_a_session_of_its_own_gets_term_too(tmp_path):
    command = "setsid sh -c \"trap 'echo escaped got term; exit 0' TERM; : > $T/up; while :; do sleep 0.05; done\" & " \
              "while [ ! -e $T/up ]; do sleep 0.05; done; exit 4"
    with plain(tmp_path, "sh", "-c", command) as davit:
        assert davit.wait() == 4
        assert "escaped got term" in davit.stdout.wait_end()


def test_hooks_and_probes_are_answered_and_the_phase_is_online(tmp_path):
    with plain(tmp_path, "sleep", "600") as davit:
        assert davit.ctl("poststart").returncode == 0
        assert davit.status()["phase"] == "online"
        for probe in ("startup", "ready", "live"):
            assert davit.ctl("probe", probe).returncode == 0
        assert davit.ctl("prestop").returncode == 0
        assert davit.is_running()


def test_orphans_are_reaped(tmp_path):
    with plain(tmp_path, "sh", "-c", "for i in $(seq 50); do (sleep 0.05 &) ; done; sleep 600") as davit:
        def zombies():
            states = []
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    with open(f"/proc/{pid}/stat") as stat:
                        fields = stat.read().rpartition(")")[2].split()
                except OSError:
                    continue
                if fields[1] == str(davit.pid) and fields[0] == "Z":
                    states.append(pid)
            return states
        eventually(lambda: not zombies(), "no zombie is left")


def test_signals_that_the_caller_ignored_stay_ignored(tmp_path):
    with plain(tmp_path, "sh", "-c", "grep -i sigign /proc/self/status",
               limits=lambda: signal.signal(signal.SIGUSR2, signal.SIG_IGN)) as davit:
        davit.wait()
        ignored = int(davit.stdout.wait_end()[0].split()[1], 16)
        assert ignored & 1 << (signal.SIGUSR2 - 1)


def test_no_command_and_no_configuration_is_125(tmp_path):
    with Davit(tmp_path, None) as davit:
        assert davit.wait() == 125
        assert "nothing to run" in davit.stderr.text()
