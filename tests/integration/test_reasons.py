# SPDX-License-Identifier: Apache-2.0
"""For the person at 3 a.m.: a status that follows, a timeline, progress while somebody waits, the last words."""

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import termios
import threading

import pytest

from davit_process import MAIN, MAIN_IS_UP, Davit, Output, eventually, script, start_plainly

SHOP = f"""
services:
  mesh:
    command: {script("while [ ! -e $T/go ]; do sleep 0.05; done; touch $T/mesh-up; exec sleep 600")}
    readinessProbe: {{exec: {{command: {script("test -e $T/mesh-up")}}}}}
  shop: {{main: true, command: {MAIN}, readinessProbe: {MAIN_IS_UP}}}
lifecycle:
  preload: {{exec: {{command: {script("note preload")}}}}}
"""


class Screen:
    """`davit status --watch` on a terminal of its own; `controls`: it is the one that Ctrl-C and a hang-up come from."""

    def __init__(self, davit, controls=False, rows=24, columns=80):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

        def prepare():
            start_plainly()
            os.setsid()
            if controls:
                fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(davit.client_command("status", "--watch"),
                                        env={**davit.environment, "TERM": "xterm", "LC_ALL": "C.UTF-8"}, stdin=slave,
                                        stdout=slave, stderr=subprocess.DEVNULL, preexec_fn=prepare)
        os.close(slave)
        self._text = ""
        self._changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return
            if not data:
                return
            with self._changed:
                self._text += data.decode(errors="replace")

    def client(self):
        """The client's own pid: with a PID namespace nsenter stands before it."""
        children = open(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read().split()
        return int(children[0]) if children else self.process.pid

    def text(self):
        with self._changed:
            return self._text

    def wait_for(self, text):
        eventually(lambda: text in self.text(), f"{text!r} on the screen {self.text()[-500:]!r}")


def test_the_timeline_says_how_far_the_start_is_and_then_who_made_it_slow(tmp_path):
    with Davit(tmp_path, SHOP) as davit:
        davit.wait_state("mesh", "running")
        so_far = json.loads(davit.ctl("timeline", "-o", "json").stdout)
        assert so_far["state"] == "under-way"
        assert so_far["sentence"].startswith("not online yet, ")
        assert so_far["sentence"].endswith("of it mesh (readiness probe)")
        (tmp_path / "go").touch()
        davit.wait_phase("online")

        made = json.loads(davit.ctl("timeline", "-o", "json").stdout)
        assert made["state"] == "online"
        assert made["sentence"].endswith("of it mesh (readiness probe)")
        assert [row["name"] for row in made["rows"]][:3] == ["mesh", "shop", "preload"]
        rows = {row["name"]: row for row in made["rows"]}
        assert rows["shop"]["waitedFor"] == "mesh"
        assert rows["shop"]["startedSeconds"] >= rows["mesh"]["doneSeconds"]
        assert rows["mesh"]["critical"]
        assert made["critical"][0]["name"] == "mesh"

        lines = davit.ctl("timeline", env={"LC_ALL": "C"}).stdout.splitlines()
        assert ": online after " in lines[0]
        assert all(len(line) <= 80 and line.isascii() for line in lines)
        assert any(line.startswith("* mesh") and "###" in line for line in lines)
        assert "█" in davit.ctl("timeline", env={"LC_ALL": "C.UTF-8"}).stdout


def test_a_helper_that_restarts_leaves_the_timeline_and_main_begins_a_new_one(tmp_path):
    (tmp_path / "go").touch()
    with Davit(tmp_path, SHOP) as davit:
        davit.wait_phase("online")
        before = json.loads(davit.ctl("timeline", "-o", "json").stdout)
        assert davit.ctl("restart", "mesh").returncode == 0
        assert json.loads(davit.ctl("timeline", "-o", "json").stdout)["rows"] == before["rows"]
        assert davit.ctl("restart", "shop").returncode == 0
        after = json.loads(davit.ctl("timeline", "-o", "json").stdout)
        assert after["began"] > before["began"]
        assert "mesh" not in [row["name"] for row in after["rows"]]


@pytest.mark.parametrize("end", ["Ctrl-C", signal.SIGTERM])
def test_a_watched_status_redraws_in_place_and_gives_the_cursor_back(tmp_path, end):
    (tmp_path / "go").touch()
    with Davit(tmp_path, SHOP) as davit:
        davit.wait_phase("online")
        screen = Screen(davit, controls=True)
        screen.wait_for("online, ready")
        assert screen.text().startswith("\x1b[2J\x1b[?25l\x1b[H")
        davit.ctl("offline")
        screen.wait_for("offline")
        if end == "Ctrl-C":
            os.write(screen.master, b"\x03")
        else:
            os.kill(screen.client(), end)
        screen.process.wait(30)
        # A terminal echoes the ^C as well.
        eventually(lambda: screen.text().rstrip("\r\n").endswith("\x1b[?25h"), "the cursor is shown again")


def test_a_watched_status_cuts_what_the_screen_has_no_rows_for(tmp_path):
    many = "".join(f"  helper-{number}: {{command: [sleep, '600']}}\n" for number in range(20))
    with Davit(tmp_path, f"services:\n{many}  shop: {{main: true, command: {MAIN}}}\n") as davit:
        davit.wait_phase("online")
        screen = Screen(davit, rows=10)
        screen.wait_for("helper-0")
        screen.wait_for("… 16 more")
        assert "helper-19" not in screen.text()


@pytest.mark.parametrize("controls", [False, True])
def test_a_watched_status_ends_with_its_terminal_and_leaves_nothing_in_davit(tmp_path, controls):
    (tmp_path / "go").touch()
    with Davit(tmp_path, SHOP) as davit:
        davit.wait_phase("online")

        def sockets():
            return sum(os.readlink(f"/proc/{davit.pid}/fd/{fd}").startswith("socket:")
                       for fd in os.listdir(f"/proc/{davit.pid}/fd"))

        before = sockets()
        screen = Screen(davit, controls)
        screen.wait_for("online, ready")
        eventually(lambda: sockets() > before, "it follows the events")
        client = screen.client()
        os.close(screen.master)
        screen.process.wait(30)
        eventually(lambda: not os.path.exists(f"/proc/{client}"), "the client has ended")
        eventually(lambda: sockets() == before, "PID 1 has closed the session")
        assert davit.ctl("probe", "ready").returncode == 0


def test_a_watched_status_tells_that_davit_does_not_answer_and_that_it_is_gone(tmp_path):
    (tmp_path / "go").touch()
    with Davit(tmp_path, SHOP) as davit:
        davit.wait_phase("online")
        screen = Screen(davit)
        screen.wait_for("online, ready")
        davit.signal(signal.SIGSTOP)
        screen.wait_for("davit has not answered for ")
        davit.signal(signal.SIGCONT)

    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "go").touch()
    with Davit(plain, SHOP, mode="plain") as davit:
        davit.wait_phase("online")
        screen = Screen(davit)
        screen.wait_for("online, ready")
        davit.signal(signal.SIGTERM)
        assert screen.process.wait(30) == 3
        screen.wait_for("davit is gone: ")


def test_a_watched_status_prints_a_table_a_change_into_a_pipe(tmp_path):
    (tmp_path / "go").touch()
    with Davit(tmp_path, SHOP) as davit:
        davit.wait_phase("online")
        watcher = davit.start_ctl("status", "--watch")
        lines = Output(watcher.stdout.buffer)
        lines.wait_for("^[^ ]+  online, ready")
        davit.ctl("offline")
        lines.wait_for("^[^ ]+  offline")
        assert not any("\x1b" in line for line in lines.lines())
        watcher.terminate()
        watcher.wait(30)
        assert davit.ctl("status", "--watch", "--timeout", "0.5").returncode == 4


def test_who_waits_hears_what_is_missing_and_for_how_long(tmp_path):
    with Davit(tmp_path, SHOP) as davit:
        davit.wait_state("mesh", "running")
        hook = davit.start_ctl("poststart", "--timeout", "60")
        waiter = davit.start_ctl("wait", "shop")
        said = Output(hook.stdout.buffer)
        heard = Output(waiter.stdout.buffer)
        heard.wait_for("^shop is blocked: waits for mesh to be ready ")
        said.wait_for(r"^after .*s still starting: shop is blocked: waits for mesh to be ready \(")
        heard.wait_for("^after .*s still waiting for shop, which is blocked: waits for mesh to be ready ")
        late = davit.ctl("wait", "shop", "--timeout", "1")
        assert late.returncode == 4
        assert "last heard: shop is blocked: waits for mesh to be ready (" in late.stderr
        (tmp_path / "go").touch()
        assert hook.wait(60) == 0
        assert waiter.wait(60) == 0


END = "{command: " + script("echo last words of main; exit 3") + ", main: true, logs: prefix}"


@pytest.mark.parametrize("services, lifecycle, code, first, also", [
    (f"shop: {END}", "", 3, "shop ended: exit code 3\n", "last words of main"),
    (f"shop: {END}", "goOnline: manual", 3, "shop ended before it was online: exit code 3\n", "last words of main"),
    ("shop: {command: " + script("kill -9 $$") + ", main: true}", "", 137, "shop ended: SIGKILL\n", ""),
    ("shop: {command: " + script("exit 0") + ", main: true}", "goOnline: manual", 121,
     "shop ended before it was online: exit code 0\n", ""),
    ("shop: {command: [/no/such/program], main: true}", "", 127, "shop cannot be started: ", "/no/such/program"),
    ("shop: {command: [/etc/passwd], main: true}", "", 126, "shop cannot be started: ", "/etc/passwd"),
    (f"shop: {{command: {MAIN}, main: true}}", "preload: {exec: {command: " +
     script("echo the cache is empty; exit 7") + "}}", 121, "the start failed: preload failed: exit code 7",
     "the cache is empty"),
    (f"shop: {{command: {MAIN}, main: true}}", "online: {exec: {command: " +
     script("echo registry says no; exit 1") + "}}", 121, "the start failed: online failed: exit code 1",
     "registry says no"),
    ("prepare: {oneshot: true, command: " + script("echo no database; exit 4") + f"}}\n  shop: {{command: {MAIN}, main: true}}",
     "", 121, "the start failed: prepare failed: ", "no database"),
    ("agent: {critical: true, restartPolicy: Never, dependsOn: [shop], command: " +
     script("while [ ! -e $T/online ]; do sleep 0.05; done; echo agent is done; exit 5") +
     f"}}\n  shop: {{command: {MAIN}, main: true}}",
     "online: {exec: {command: " + script("touch $T/online") + "}}", None, "", "agent is done"),
])
def test_every_end_has_its_reason_and_the_last_output_of_who_is_to_blame(tmp_path, services, lifecycle, code, first, also):
    with Davit(tmp_path, f"services:\n  {services}\nlifecycle: {{{lifecycle}}}\n") as davit:
        ended = davit.wait()
        text = davit.termination_log.read_text()
        if code is None:
            assert ended in (121, 122)
            assert "agent failed: " in text.splitlines()[0]
        else:
            assert ended == code
            assert text.startswith(first)
        assert also in text
        assert len(text.encode()) <= 4096


def test_what_cannot_run_has_a_reason_as_well(tmp_path):
    with Davit(tmp_path, "services: {shop: {main: true, comand: [sleep, '1']}}") as davit:
        assert davit.wait() == 125
        best = davit.termination_log.read_text().splitlines()[0]
        assert best.startswith("cannot run: ")
        assert 'services.shop: unknown key "comand"' in best


def test_a_probe_that_failed_and_a_stop_that_broke_the_start_off_are_named(tmp_path):
    sick = tmp_path / "sick"
    sick.mkdir()
    with Davit(sick, f"services: {{shop: {{main: true, command: {MAIN}, startupProbe: {{exec: {{command: "
               + script("exit 1") + "}, periodSeconds: 1, failureThreshold: 1}}}") as davit:
        davit.wait()
        assert davit.termination_log.read_text().startswith("shop failed: startup probe failed")
    broken = tmp_path / "broken"
    broken.mkdir()
    with Davit(broken, SHOP) as davit:
        davit.wait_state("mesh", "running")
        davit.signal(signal.SIGTERM)
        assert davit.wait() == 121
        assert davit.termination_log.read_text().startswith("stopped before it was online; shop: did not run")
